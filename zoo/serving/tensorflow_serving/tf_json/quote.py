"""JSON values quoted in errors: pretty-printed with arrays on one line as RapidJSON does, and cut after 256 bytes."""

import math
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

from zoo.serving.tensorflow_serving.tf_json.decimals import format_decimal
from zoo.serving.tensorflow_serving.tf_json.grisu import shortest_digits

LIMIT = 256  # bytes
INDENT = 4
POINT = 21  # digits before the point up to which a double is written without an exponent
ZEROS = 6  # zeros after the point up to which it is
LARGEST_FLOAT = 3.4028234e38
UPPER = re.compile(
    r"[\x0b\x0e\x0f\x1a-\x1f]"
)  # characters whose escape has a letter, which RapidJSON writes in capitals
CONTROL = re.compile(r'[\x00-\x1f"\\]')
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class _UnwritableError(Exception):
    """RapidJSON's writer stops at a number that is not finite."""


def quote(value: Any) -> str:
    """A JSON value as an error quotes it."""
    if isinstance(value, float):
        return format_decimal(value, double=not abs(value) <= LARGEST_FLOAT)
    parts, size = [], 0
    try:
        for part in _parts(value, 0):
            parts.append(part)
            size += len(part)
            if size >= LIMIT:
                break
    except _UnwritableError:
        pass
    text = "".join(parts).encode("utf-8", "surrogateescape")
    return text.decode("utf-8", "surrogateescape") if len(text) <= LIMIT else text[:LIMIT].decode("utf-8", "ignore")


def write_string(text: str) -> str:
    """A string as RapidJSON writes it: characters outside ASCII as they are."""
    if UPPER.search(text):
        return f'"{CONTROL.sub(_escape, text)}"'
    return encode_basestring(text)


def type_name(value: Any) -> str:
    """The type of a JSON value: "Null", "False", "True", "Object", "Array", "String" or "Number"."""
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    names = {dict: "Object", list: "Array", str: "String"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "Number")


def _escape(match):
    character = match.group()
    return SHORT_ESCAPES.get(character) or f"\\u{ord(character):04X}"


def _parts(value, level) -> Iterator[str]:
    if isinstance(value, dict) and value:
        margin = "\n" + " " * (INDENT * (level + 1))
        start = "{"
        for name, member in getattr(value, "pairs", value.items()):
            yield start + margin + write_string(name[:LIMIT]) + ": "
            yield from _parts(member, level + 1)
            start = ","
        yield "\n" + " " * (INDENT * level) + "}"
    elif isinstance(value, list) and value:
        start = "["
        for element in value:
            yield start
            yield from _parts(element, level + 1)
            start = ", "
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value):
    if isinstance(value, str):
        return write_string(value[:LIMIT])
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int) else _double(value)


def _double(number):
    """The decimal text of a double, laid out as RapidJSON does. Raises _UnwritableError unless finite."""
    if not math.isfinite(number):
        raise _UnwritableError
    if number == 0:
        return f"{number}"
    sign = "-" if number < 0 else ""
    digits, exponent = shortest_digits(abs(number))
    point = len(digits) + exponent  # digits before the point
    if exponent >= 0 and point <= POINT:
        return f"{sign}{digits}{'0' * exponent}.0"
    if 0 < point <= POINT:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{point - 1}"
