"""Fields of JSON requests: each value is checked, and no field is ignored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.runtime.errors import did_you_mean
from zoo.serving.openai.openai_error import OpenAIError

Check = Callable[[Any], str | None]  # of a value: None, or what was expected


def read_json(content: bytes) -> dict[str, Any]:
    """The object in the body of a request. Raises OpenAIError where it is no JSON object."""
    try:
        body = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise OpenAIError(f"Expected a body of JSON in UTF-8. Received: {type(error).__name__}, {error}.") from error
    if not isinstance(body, dict):
        raise OpenAIError(f"Expected a JSON object as the body. Received: {_excerpt(body)}.")
    return body


def check_fields(
    body: Mapping[str, Any],
    fields: Mapping[str, Check],
    unsupported: Mapping[str, Sequence[Any]],
    path: str = "",
) -> dict[str, Any]:
    """The fields of a request that are not null.

    Args:
        fields: {name: check of its value}.
        unsupported: {name of a field of OpenAI's API: the values that change nothing, which are accepted}.
        path: of the object in the request, such as "messages[0].".

    Raises OpenAIError for a wrong value, an unsupported field and an unknown one.
    """
    values = {}
    for name, value in body.items():
        if value is None and (name in fields or name in unsupported):
            continue
        if name in fields:
            if expected := fields[name](value):
                message = f"Expected {expected} for '{path}{name}'. Received: {_excerpt(value)}."
                raise OpenAIError(message, f"{path}{name}", "invalid_value")
            values[name] = value
        elif name not in unsupported:
            hint = did_you_mean(name, [*fields, *unsupported])
            raise OpenAIError(f"Unknown parameter: '{path}{name:.80}'.{hint}", f"{path}{name:.80}", "unknown_parameter")
        elif not any(type(value) is type(neutral) and value == neutral for neutral in unsupported[name]):
            message = f"Unsupported parameter: '{path}{name}' is not supported by this server."
            raise OpenAIError(message, f"{path}{name}", "unsupported_parameter")
    return values


def number(low: float, high: float) -> Check:
    """A check of numbers in a range."""

    def check(value):
        in_range = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return None if in_range else f"a number from {low:g} to {high:g}"

    return check


def integer(low: int, high: int) -> Check:
    """A check of integers in a range."""

    def check(value):
        return None if type(value) is int and low <= value <= high else f"an integer from {low} to {high}"

    return check


def boolean(value: Any) -> str | None:
    """A check of true and false."""
    return None if isinstance(value, bool) else "true or false"


def string(value: Any) -> str | None:
    """A check of strings of Unicode characters."""
    return None if is_text(value) else "a string"


def one_of(*values: str) -> Check:
    """A check of a few strings."""
    return lambda value: None if value in values else f"one of {', '.join(map(repr, values))}"


def anything(value: Any) -> str | None:
    """A check of a field that is checked later, or changes nothing."""


def is_text(value: Any) -> bool:
    """Whether a value is a string without a lone surrogate, which no text has."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def is_ids(value: Any) -> bool:
    """Whether a value is a list of token ids, at least one."""
    return isinstance(value, list) and bool(value) and all(type(id) is int and 0 <= id < 2**31 for id in value)


def text_inputs(value: Any) -> str | None:
    """A check of inputs: a string, strings, token ids, or lists of token ids."""
    if is_text(value) or is_ids(value):
        return None
    if isinstance(value, list) and value and (all(map(is_text, value)) or all(map(is_ids, value))):
        return None
    return "a string, a list of strings, a list of token ids, or a list of such lists"


def as_list(value: Any) -> list[Any]:
    """The inputs of a value that `text_inputs` accepts: a list of strings or of lists of ids."""
    return [value] if isinstance(value, str) or isinstance(value[0], int) else value


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _excerpt(value):
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
