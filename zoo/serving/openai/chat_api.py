"""`POST /v1/chat/completions`: the answer in a conversation, by a model with a chat template."""

from __future__ import annotations

from typing import Any

from zoo.generation.batch_limits import MAX_TOP_LOGPROBS
from zoo.serving.openai.generation_handler import generation_handler
from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.openai.request_fields import boolean, check_fields, integer, is_text, one_of, string
from zoo.serving.openai.sampling_fields import FIELDS, MAX_TOKENS, UNSUPPORTED, sampling_fields
from zoo.serving.openai.token_logprobs import TokenStrings

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}  # {OpenAI's: template's}


def _messages(value):
    is_list = isinstance(value, list) and value and all(isinstance(message, dict) for message in value)
    return None if is_list else "a list of messages, at least one"


def _content(value):
    is_list = isinstance(value, list) and value and all(isinstance(part, dict) for part in value)
    return None if is_text(value) or is_list else "a string, or a list of parts of text"


CHAT_FIELDS = FIELDS | {
    "messages": _messages,
    "max_completion_tokens": integer(1, MAX_TOKENS),
    "logprobs": boolean,
    "top_logprobs": integer(0, MAX_TOP_LOGPROBS),
}
CHAT_UNSUPPORTED = UNSUPPORTED | {
    **{"tools": ([],), "tool_choice": ("none", "auto"), "parallel_tool_calls": (True, False)},
    **{"functions": ([],), "function_call": ("none", "auto"), "modalities": (["text"],), "audio": ()},
    **{"prediction": (), "reasoning_effort": ("none",), "verbosity": (), "web_search_options": (), "moderation": ()},
}
MESSAGE_UNSUPPORTED = {  # that the client library writes into messages of the assistant
    **{"name": (), "refusal": (), "annotations": ([],), "audio": (), "function_call": (), "tool_calls": ([],)},
    "tool_call_id": (),
}


def chat_completions(access: ModelAccess) -> Any:
    """The handler of chat completions."""

    return generation_handler(access, CHAT_FIELDS, CHAT_UNSUPPORTED, _answer)


def _answer(model, values):
    """The `Answer` of the checked values of a request."""
    from zoo.generation.generation_request import samples_of
    from zoo.serving.openai.generated_answer import Answer

    if "messages" not in values:
        raise OpenAIError("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if "max_tokens" in values and "max_completion_tokens" in values:
        message = "Expected max_tokens or max_completion_tokens, not both."
        raise OpenAIError(message, "max_tokens", "invalid_value")
    top_logprobs, has_logprobs = values.get("top_logprobs", 0), values.get("logprobs", False)
    if top_logprobs and not has_logprobs:
        raise OpenAIError("Expected logprobs=true beside top_logprobs.", "top_logprobs", "invalid_value")
    fields, messages = sampling_fields(values), [_message(i, message) for i, message in enumerate(values["messages"])]
    if messages[-1]["role"] == "assistant":
        message = "Expected a last message that an answer follows. Received: one of the assistant."
        raise OpenAIError(message, "messages", "invalid_value")
    request = model.request(model.chat_row(messages), fields, top_logprobs, chat=True)
    requests = samples_of([request], fields.n)
    return Answer(model, values["model"], fields, requests, ChatFormat(model.tokenizer, has_logprobs))


def _message(index, message):
    """{"role", "content"} of a message of a request. Raises OpenAIError, which names its part."""
    path = f"messages[{index}]."
    values = _required({"role": one_of(*ROLES), "content": _content}, message, MESSAGE_UNSUPPORTED, path)
    content = values["content"]
    if not isinstance(content, str):
        fields = {"type": one_of("text"), "text": string}
        parts = [_required(fields, part, {}, f"{path}content[{i}].") for i, part in enumerate(content)]
        content = "".join(part["text"] for part in parts)
    return {"role": ROLES[values["role"]], "content": content}


def _required(fields, body, unsupported, path):
    """The checked fields of a part of a request, none of which may be missing."""
    values = check_fields(body, fields, unsupported, path)
    for name in fields:
        if name not in values:
            raise OpenAIError(f"Missing required parameter: '{path}{name}'.", path + name, "missing_required_parameter")
    return values


class ChatFormat:
    """Choices of chat completions: answers without white space at their beginning and end.

    Args:
        tokenizer: of the model.
        has_logprobs: whether tokens have log-probabilities.
    """

    kind, chunk_kind, prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def __init__(self, tokenizer: Any, has_logprobs: bool):
        self.tokenizer, self.has_logprobs = tokenizer, has_logprobs
        self._strings: dict[int, TokenStrings] = {}
        self._space: dict[int, str] = {}  # white space that the answer may end with; absent before its first word

    def complete(self, choice: Any) -> dict[str, Any]:
        """A choice whose text has ended."""
        done = choice.handle.completion
        message = {"role": "assistant", "content": done.text.strip(), "refusal": None}
        logprobs = self._logprobs(choice, done.ids, done.logprobs, choice.tops)
        return {"index": choice.index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish_reason}

    def begin(self, choice: Any) -> dict[str, Any] | None:
        """The role of the assistant."""
        return _chunk({"role": "assistant", "content": ""})

    def piece(self, choice: Any, piece: Any) -> dict[str, Any] | None:
        """A piece of the answer, with the log-probabilities of its tokens."""
        logprobs = self._logprobs(choice, piece.ids, piece.logprobs, piece.top_logprobs)
        text = self._trimmed(choice, piece.text)
        if not text and logprobs is None:
            return None
        return _chunk({"content": text}) | {"logprobs": logprobs}

    def end(self, choice: Any) -> dict[str, Any]:
        """The finish reason."""
        return _chunk({}) | {"finish_reason": choice.finish_reason}

    def _trimmed(self, choice, text):
        """A piece of text, with the white space that the pieces before it ended with, without that of its own end."""
        text = self._space[choice.index] + text if choice.index in self._space else text.lstrip()
        trimmed = text.rstrip()
        if trimmed or choice.index in self._space:
            self._space[choice.index] = text[len(trimmed) :]
        return trimmed

    def _logprobs(self, choice, ids, logprobs, tops):
        if not self.has_logprobs:
            return None
        is_first = choice.request.config.constraint is not None
        strings = self._strings.setdefault(choice.index, TokenStrings(self.tokenizer, is_first))
        return strings.chat(ids, logprobs, tops)


def _chunk(delta):
    return {"delta": delta, "logprobs": None, "finish_reason": None}
