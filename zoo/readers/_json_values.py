"""JSON values of data files: NaN as a missing value, no lone surrogates, no value that Python cannot hold.

JSON allows a lone surrogate, "\\ud800", which is no character: UTF-8 cannot hold it, so it becomes U+FFFD. Python's
parser also takes NaN, which pandas writes for a missing value; it becomes None, as NaN does in a data frame.
"""

import json
import re
from typing import Any

from zoo.readers._values import without_surrogates
from zoo.runtime.console import print_once

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # half of a pair, or a lone one
MOST_NESTED = 100  # brackets within one another: Python's own limit is near 1,000, for all that walks through a value
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)

_reported: set[str] = set()  # paths of files whose surrogates a message named


class JsonError(ValueError):
    """A text that is no JSON, or JSON that is refused; `line` is a line of the text, from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def parse_json(text: str, path: str, number: int = 1) -> Any:
    """The value of a JSON text. Raises JsonError for broken JSON, deep nesting and integers of thousands of digits.

    Args:
        path, number: the file and the line in which the text begins, for messages.
    """
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg}, column {error.colno}", error.lineno) from error
    except ValueError as error:
        raise JsonError("an integer of more digits than Python reads") from error
    match = SURROGATE.search(text)
    if not match:
        return value
    replaced = without_surrogates(value)
    if replaced != value and path not in _reported:
        _reported.add(path)
        first = f"{path}:{number + text.count(chr(10), 0, match.start())}"
        print_once(f"Replaced by U+FFFD: lone surrogates, which are no characters, at {first} and perhaps below.")
    return replaced


def _constant(name):
    return None if name == "NaN" else float(name)


_DECODER = json.JSONDecoder(parse_constant=_constant)


def _check_depth(text):
    """Raise JsonError where brackets are nested deeper than `MOST_NESTED`."""
    if text.count("[") + text.count("{") <= MOST_NESTED:
        return
    depth = 0
    for match in STRING_OR_BRACKET.finditer(text):
        bracket = match[0]
        depth += (bracket in "[{") - (bracket in "]}")
        if depth > MOST_NESTED:
            line = text.count("\n", 0, match.start()) + 1
            raise JsonError(f"more than {MOST_NESTED} brackets within one another", line)
