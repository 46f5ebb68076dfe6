"""JSON values to arrays: nested lists, checked value by value against a dtype, with TensorFlow Serving's sentences."""

import base64
import binascii
import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from zoo.serving.serving_error import Code, ServingError, invalid
from zoo.serving.tensorflow_serving.tf_json.document import format_error, members
from zoo.serving.tensorflow_serving.tf_json.quote import quote, type_name

MOST_DIMENSIONS = 64  # of a NumPy array, of which rows take one
INT32, UINT32, INT64, UINT64 = (-(2**31), 2**31 - 1), (0, 2**32 - 1), (-(2**63), 2**63 - 1), (0, 2**64 - 1)
RANGES = {  # {dtype: the integers that a request may hold}; those of a narrow dtype wrap around as in a TensorProto
    **dict.fromkeys(("int32", "int16", "int8", "uint8"), INT32),
    "int64": INT64,
    "uint32": UINT32,
    "uint64": UINT64,
}
PYTHON_TYPES = {  # {dtype: the Python types of its values}
    "float32": {int, float},
    "float64": {int, float},
    **{dtype: {int} for dtype in RANGES},
    "string": {str},
    "bool": {bool},
}
DTYPE_NAMES = {
    "float32": "float",
    "float64": "double",
    "float16": "half",
}  # TensorFlow's, where they differ from NumPy's
BASE64_SPACE = re.compile(r"[ \t\n\v\f\r]")
BASE64 = re.compile(r"[A-Za-z0-9+/]*")


def dtype_name(dtype: str) -> str:
    """TensorFlow's name of a dtype: "float" for float32."""
    return DTYPE_NAMES.get(dtype, dtype)


def is_base64(value: Any) -> bool:
    """Whether a value is `{"b64": "..."}` and nothing else."""
    return isinstance(value, dict) and len(list(members(value))) == 1 and isinstance(value.get("b64"), str)


def decode_base64(value: dict[str, Any]) -> bytes:
    """The bytes of `{"b64": "..."}`. Raises ServingError."""
    if not is_base64(value):
        raise format_error(value, "not formatted correctly for base64 data")
    text = BASE64_SPACE.sub("", value["b64"])
    digits = text.rstrip("=.")
    padding = len(text) - len(digits)
    if not BASE64.fullmatch(digits) or len(digits) % 4 == 1 or padding not in (0, -len(digits) % 4):
        raise invalid("Unable to base64 decode")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except binascii.Error as error:
        raise invalid("Unable to base64 decode") from error


def dense_shape(value: Any) -> list[int]:
    """The shape that the first element of each list announces."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def regular_array(value: Any, dtype: str) -> np.ndarray[Any, Any] | None:
    """The array of nested lists, at once; None for all that needs a look at each value, errors and base64 among it."""
    shape, values = [], [value]
    if isinstance(value, list):
        shape, values = [len(value)], value
    while values and isinstance(values[0], list):
        if set(map(type, values)) != {list} or len(set(map(len, values))) > 1:
            return None
        shape.append(len(values[0]))
        values = list(chain.from_iterable(values))
    if dtype not in PYTHON_TYPES or not set(map(type, values)) <= PYTHON_TYPES[dtype] or len(shape) >= MOST_DIMENSIONS:
        return None
    if dtype in RANGES and values and not RANGES[dtype][0] <= min(values) <= max(values) <= RANGES[dtype][1]:
        return None
    return to_array([_encode(text) for text in values] if dtype == "string" else values, dtype, shape)


def to_array(values: Sequence[Any], dtype: str, shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Values that fit a dtype as its array. As in a TensorProto, those beyond the shape are left out."""
    values = values[: math.prod(shape)]
    if dtype == "string":
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(shape)
    wide = {"float32": "float64", "int8": "int64", "int16": "int64", "uint8": "int64"}.get(dtype, dtype)
    with np.errstate(over="ignore"):  # beyond float32 is infinity
        return np.array(values, wide).astype(dtype).reshape(shape)


def fill(value: Any, dtype: str, shape: Sequence[int], values: list[Any], level: int = 0) -> None:
    """Append the values of nested lists of a shape, converted to a dtype.

    Raises ServingError: INVALID_ARGUMENT for a value of another type or a list of another length or depth,
    UNIMPLEMENTED for a dtype that JSON has no value of.
    """
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            problem = f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {rank}"
            raise format_error(value, problem)
        values.append(_scalar(value, dtype))
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for element in value:
        fill(element, dtype, shape, values, level + 1)


def check_rank(shape: Sequence[int], name: str) -> None:
    """Raise ServingError for lists that are nested deeper than an array can be."""
    if len(shape) >= MOST_DIMENSIONS:
        raise invalid(f"tensor parsing error: {name}")


def _scalar(value, dtype):
    if isinstance(value, dict):
        if dtype != "string":
            raise _type_error(value, dtype)
        return decode_base64(value)
    if dtype not in PYTHON_TYPES:
        problem = f"Conversion of JSON Value: {quote(value)} to type: {dtype_name(dtype)}"
        raise ServingError(Code.UNIMPLEMENTED, problem)
    if type(value) not in PYTHON_TYPES[dtype] or (
        dtype in RANGES and not RANGES[dtype][0] <= value <= RANGES[dtype][1]
    ):
        raise _type_error(value, dtype)
    return _encode(value) if dtype == "string" else value


def _encode(text):
    return text.encode("utf-8", "surrogateescape")


def _type_error(value, dtype):
    return format_error(value, f"Type: {type_name(value)} is not of expected type: {dtype_name(dtype)}")
