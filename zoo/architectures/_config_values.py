"""Check the values of a config.json that become fields of an architecture: their types and ranges."""

import math
from collections.abc import Mapping
from typing import Any, get_type_hints

from zoo.runtime.errors import UserError, shorten

MAX_SIZE = 2**31 - 1  # of a size: ids and indices are int32
ANY = ("padding",)  # the tokenizer's own id is used in its place


def checked_fields(architecture: type, keys: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Raise UserError for a value in a config.json that the field of an architecture cannot have.

    Args:
        architecture: a dataclass, with fields of the types int (sizes, 1 or more), float (0 or more), bool and str.
        keys: {field: key in config.json}.
        config: with or without each key; None counts as a missing one.
    """
    types = get_type_hints(architecture)
    for name, key in keys.items():
        value = config.get(key)
        if value is None or name in ANY:
            continue
        expected, fits = _RULES[types[name]]
        if not fits(value):
            raise UserError(f"Expected {expected} as {key} in config.json. Received: {key}={shorten(value, 40)}.")


def _is_size(value):
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIZE


def _is_amount(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


_RULES = {
    int: ("a whole number of 1 or more", _is_size),
    float: ("a number of 0 or more", _is_amount),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("a word", lambda value: isinstance(value, str)),
}
