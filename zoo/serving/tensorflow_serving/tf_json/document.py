"""Request bodies to JSON values: Python's parser where it agrees with RapidJSON, the exact one for all the rest."""

import json
import re
from collections.abc import Iterable
from typing import Any

from zoo.serving.serving_error import ServingError, invalid
from zoo.serving.tensorflow_serving.tf_json.numbers import integer_or_float, parse_float
from zoo.serving.tensorflow_serving.tf_json.quote import quote
from zoo.serving.tensorflow_serving.tf_json.reader import Members, make_object, read
from zoo.serving.tensorflow_serving.tf_json.scanner import VALUE, JSONError

LARGEST_EXACT = 2**20  # bytes
WHITE_SPACE = " \n\r\t"
DECODER = json.JSONDecoder(object_pairs_hook=make_object, parse_float=parse_float)
WIDE_DECODER = json.JSONDecoder(
    object_pairs_hook=make_object, parse_float=parse_float, parse_int=lambda text: integer_or_float(int(text))
)
DIGITS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(" ") for byte in range(256))
WIDE, BEYOND = b"0" * 19, b"0" * 300  # numbers that int64 may not hold; that a double may not
INTEGER = re.compile(rb"(?<![0-9.])[1-9][0-9]{18}")
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
PAIRS = re.compile(rb"(?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]|\\(?!u[dD][89a-fA-F]).)*+", re.DOTALL)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Text after it is ignored, and of a repeated name the first value counts.

    Raises ServingError with TensorFlow Serving's sentence: a parse error with its offset in bytes, or another value.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        value = parse(body)
    except JSONError as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(value, dict):
        raise format_error(value, "Is not object")
    return value


def parse(body: bytes) -> Any:
    """The first JSON value of `body`, as `reader.read` has it, at the speed of Python's parser where that agrees.

    What Python's parser refuses is read exactly up to a size of LARGEST_EXACT, as that takes about a second; above,
    it is "Invalid value." at the offset of Python's error.

    Raises JSONError.
    """
    exact, position = len(body) <= LARGEST_EXACT, 0
    text = body.decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip(WHITE_SPACE))
    decoder = _decoder(body)
    if decoder and (text.startswith("{", start) or not exact):
        try:
            return decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError) as error:
            position = getattr(error, "pos", 0)
    if exact:
        return read(body)
    raise JSONError(VALUE, len(text[:position].encode("utf-8", "surrogateescape")))


def _decoder(body):
    """Python's decoder for the widest integer of `body`.

    None where it would take what RapidJSON refuses: a number beyond doubles, or a \\u escape of half a surrogate pair.
    """
    if SURROGATE.search(body) and not PAIRS.fullmatch(body):
        return None
    digits = body.translate(DIGITS)
    if WIDE not in digits:
        return DECODER
    if BEYOND in digits:
        return None
    return WIDE_DECODER if INTEGER.search(body) else DECODER


def members(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """All members of an object, repeated names too."""
    return value.pairs if isinstance(value, Members) else value.items()


def format_error(value: Any, problem: str) -> ServingError:
    """The error of a JSON value of the wrong form, which it quotes."""
    return invalid(f"JSON Value: {quote(value)} {problem}")
