"""Messages of a conversation in one form, from OpenAI's and ShareGPT's: [{"role", "content"}].

OpenAI, https://platform.openai.com/docs/api-reference/chat: `content` is a string or a list of parts, whose texts are
joined. ShareGPT: {"from": "human" or "gpt", "value"}.
"""

from typing import Any

from zoo.runtime.errors import RowError, did_you_mean, shorten

ROLES = ("system", "user", "assistant")  # who speaks
SHAREGPT = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant"}


def standard_messages(value: Any, location: str) -> list[dict[str, str]]:
    """A conversation as [{"role": "system", "user" or "assistant", "content": a text}], in the order of speaking.

    Raises UserError, with the location, for a value of another form.
    """
    if not isinstance(value, list) or not value:
        raise RowError(f"Expected a list of messages at {location}. Received: messages={shorten(value)}.")
    return [_message(message, f"{location}, message {number}") for number, message in enumerate(value, start=1)]


def _message(message, location):
    if isinstance(message, dict) and {"from", "value"} <= message.keys():
        message = {"role": SHAREGPT.get(message["from"], message["from"]), "content": message["value"]}
    if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
        raise RowError(f'Expected {{"role": ..., "content": ...}} at {location}. Received: {shorten(message)}.')
    role, content = message["role"], _text(message["content"])
    if role not in ROLES:
        hint = did_you_mean(role, ROLES)
        raise RowError(f"Expected a role among {', '.join(ROLES)} at {location}. Received: role={shorten(role)}.{hint}")
    if not isinstance(content, str):
        raise RowError(f"Expected a text at {location}. Received: content={shorten(content)}.")
    return {"role": role, "content": content}


def _text(content):
    """The text of a list of text parts; any other content as it is."""
    if not isinstance(content, list) or not content:
        return content
    if not all(isinstance(part, dict) and part.get("type") == "text" and "text" in part for part in content):
        return content
    return "\n".join(map(str, (part["text"] for part in content)))
