"""Messages of a conversation in one form, from OpenAI's, ShareGPT's and others': [{"role", "content"}].

OpenAI, https://platform.openai.com/docs/api-reference/chat: `content` is a string or a list of parts, whose texts are
joined; an answer whose `weight` is 0 is not learned (https://platform.openai.com/docs/guides/fine-tuning). ShareGPT:
{"from": "human" or "gpt", "value"}. A transcript is one text: "\\n\\nHuman: ...\\n\\nAssistant: ..." (Bai 2022,
arXiv:2204.05862).
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from zoo.runtime.errors import RowError, did_you_mean, shorten

ROLES = ("system", "user", "assistant")  # who speaks
OTHER_NAMES = {
    **dict.fromkeys(("human", "prompter", "usr", "customer"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "bot", "model", "ai", "assistant"), "assistant"),
    "developer": "system",
}
TOOLS = ("tool", "function", "function_call", "function_response", "observation", "ipython", "tool_call")  # roles
CALLS = ("tool_calls", "function_call")  # keys of an answer that calls a tool
SPEAKERS, CONTENTS = ("role", "from", "speaker"), ("content", "value", "text", "parts")
KEYS = frozenset([*SPEAKERS, *CONTENTS, "weight"])  # of a message
TRANSCRIPT = re.compile(r"(?:^|\n\n)(Human|Assistant):")
UNREAD_TOOLS = "calls of tools, which are not read"

Message = dict[str, Any]  # {"role", "content"}, with "weight": 0 where an answer is not learned


def standard_messages(values: Sequence[Any], location: str) -> list[Message]:
    """A conversation as [{"role": "system", "user" or "assistant", "content": a text}], in the order of speaking.

    Args:
        values: the cells of a column or of joined ones, such as prompt and completion: lists of messages, JSON of one,
            a transcript, or beside another column the text of a user (the first) or of the assistant.

    Raises UserError, with the location, for a value of another form.
    """
    messages = []
    for index, value in enumerate(values):
        role = (ROLES[2] if index else ROLES[1]) if len(values) > 1 else ""
        messages += _messages(value, role, location)
    if not messages:
        raise RowError(f"Expected a list of messages at {location}. Received: messages={shorten(values[0])}.")
    return [_message(message, f"{location}, message {number}") for number, message in enumerate(messages, start=1)]


def _messages(value, role, location):
    """The messages of a cell; a text is one message of `role`, where that is known."""
    if isinstance(value, str) and value.lstrip()[:2] in ("[{", "[ "):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, str) and TRANSCRIPT.match(value):
        return _turns(value)
    if isinstance(value, str) and role:
        return [{"role": role, "content": value}]
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise RowError(f"Expected a list of messages at {location}. Received: messages={shorten(value)}.")
    return value


def _turns(text):
    _, *parts = TRANSCRIPT.split(text)
    return [{"role": role.lower(), "content": part.strip()} for role, part in zip(parts[::2], parts[1::2], strict=True)]


def _message(message, location):
    keys = message if isinstance(message, dict) else {}
    if any(keys.get(name) for name in CALLS):
        raise RowError(f"Expected messages of text at {location}. Received: {UNREAD_TOOLS}.", UNREAD_TOOLS)
    speaker, text = (next((name for name in names if name in keys), "") for names in (SPEAKERS, CONTENTS))
    if not speaker or not text:
        raise RowError(f'Expected {{"role": ..., "content": ...}} at {location}. Received: {shorten(message)}.')
    role, content = _role(keys[speaker], location), _text(keys[text])
    if not isinstance(content, str):
        raise RowError(f"Expected a text at {location}. Received: content={shorten(content)}.")
    return {"role": role, "content": content} | _weight(message, location)


def _role(role, location):
    name = role.strip().lower() if isinstance(role, str) else ""
    if name in TOOLS:
        message = f"Expected a role among {', '.join(ROLES)} at {location}."
        raise RowError(f"{message} Received: role={shorten(role)}: {UNREAD_TOOLS}.", UNREAD_TOOLS)
    name = OTHER_NAMES.get(name, name)
    if name not in ROLES:
        hint = did_you_mean(role, ROLES)
        raise RowError(f"Expected a role among {', '.join(ROLES)} at {location}. Received: role={shorten(role)}.{hint}")
    return name


def _weight(message, location):
    """{"weight": 0} of an answer that is not to be learned, else {}."""
    weight = message.get("weight")
    if weight not in (None, 0, 1):
        raise RowError(f"Expected a weight of 0 or 1 at {location}. Received: weight={shorten(weight)}.")
    return {} if weight in (None, 1) else {"weight": 0}


def _text(content):
    """The text of a list of text parts; any other content as it is."""
    if not isinstance(content, list) or not content:
        return content
    if not all(isinstance(part, dict) and part.get("type", "text") == "text" and "text" in part for part in content):
        return content
    return "\n".join(map(str, (part["text"] for part in content)))
