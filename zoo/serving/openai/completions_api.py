"""`POST /v1/completions`: prompts are continued; of an encoder-decoder the prompt is the source."""

from __future__ import annotations

from typing import Any

from zoo.generation.batch_limits import MAX_TOP_LOGPROBS
from zoo.serving.openai.generation_handler import generation_handler
from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.openai.request_fields import as_list, boolean, integer, text_inputs
from zoo.serving.openai.sampling_fields import FIELDS, MAX_CHOICES, UNSUPPORTED, sampling_fields
from zoo.serving.openai.token_logprobs import TokenStrings

COMPLETION_FIELDS = FIELDS | {
    "prompt": text_inputs,
    "echo": boolean,
    "logprobs": integer(0, MAX_TOP_LOGPROBS),
    "best_of": integer(1, MAX_CHOICES),
}
COMPLETION_UNSUPPORTED = UNSUPPORTED | {"suffix": ("",)}


def completions(access: ModelAccess) -> Any:
    """The handler of completions."""

    return generation_handler(access, COMPLETION_FIELDS, COMPLETION_UNSUPPORTED, _answer)


def _answer(model, values):
    """The `Answer` of the checked values of a request."""
    from zoo.generation.generation_request import samples_of
    from zoo.serving.openai.generated_answer import Answer

    fields, prompts = sampling_fields(values), as_list(values.get("prompt", ""))
    count, echo, logprobs = values.get("best_of", fields.n), values.get("echo", False), values.get("logprobs")
    if count < fields.n:
        raise OpenAIError(f"Expected best_of of at least n={fields.n}. Received: {count}.", "best_of", "invalid_value")
    if fields.stream and count > fields.n:
        raise OpenAIError("best_of cannot be streamed: leave it out.", "best_of", "invalid_value")
    if echo and (logprobs is not None or model.plan.encoder_steps):
        reason = "logprobs" if logprobs is not None else "a model that reads its prompt as a source"
        raise OpenAIError(f"Unsupported parameter: 'echo' with {reason}.", "echo", "unsupported_parameter")
    rows = [model.prompt_row(prompt) for prompt in prompts]
    requests = samples_of([model.request(row, fields, logprobs or 0) for row in rows], count)
    echoes = [_text(model, prompt) if echo else "" for prompt in prompts]
    return Answer(model, values["model"], fields, requests, CompletionFormat(model.tokenizer, echoes, logprobs))


def _text(model, prompt):
    return prompt if isinstance(prompt, str) else model.tokenizer.decode(prompt)


class CompletionFormat:
    """Choices of completions.

    Args:
        tokenizer: of the model.
        echoes: the prompts that precede the texts; "" for none.
        logprobs: number of likeliest tokens; None: no log-probabilities.
    """

    kind = chunk_kind = "text_completion"
    prefix = "cmpl"

    def __init__(self, tokenizer: Any, echoes: list[str], logprobs: int | None):
        self.tokenizer, self.echoes, self.logprobs = tokenizer, echoes, logprobs
        self._strings: dict[int, TokenStrings] = {}

    def complete(self, choice: Any) -> dict[str, Any]:
        """A choice whose text has ended."""
        done = choice.handle.completion
        text = self.echoes[choice.prompt] + done.text
        logprobs = self._logprobs(choice, done.ids, done.logprobs, choice.tops)
        return {"text": text, "index": choice.index, "logprobs": logprobs, "finish_reason": choice.finish_reason}

    def begin(self, choice: Any) -> dict[str, Any] | None:
        """The echoed prompt."""
        echo = self.echoes[choice.prompt]
        return {"text": echo, "logprobs": None, "finish_reason": None} if echo else None

    def piece(self, choice: Any, piece: Any) -> dict[str, Any] | None:
        """A piece of the text, with the log-probabilities of its tokens."""
        logprobs = self._logprobs(choice, piece.ids, piece.logprobs, piece.top_logprobs)
        is_empty = not piece.text and logprobs is None
        return None if is_empty else {"text": piece.text, "logprobs": logprobs, "finish_reason": None}

    def end(self, choice: Any) -> dict[str, Any]:
        """The finish reason."""
        return {"text": "", "logprobs": None, "finish_reason": choice.finish_reason}

    def _logprobs(self, choice, ids, logprobs, tops):
        if self.logprobs is None:
            return None
        is_first = choice.request.config.constraint is not None
        strings = self._strings.setdefault(choice.index, TokenStrings(self.tokenizer, is_first))
        return strings.completion(ids, logprobs, tops, len(self.echoes[choice.prompt]))
