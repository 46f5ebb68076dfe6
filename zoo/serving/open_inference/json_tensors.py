"""Tensors in JSON, as the Open Inference Protocol writes them: flat in row-major order, or nested."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from zoo.runtime.errors import shorten
from zoo.serving.open_inference.datatypes import BYTES, numpy_dtype
from zoo.serving.serving_error import invalid

BASE64 = "base64"  # the `content_type` of BYTES that are no text, as MLServer names it
ELEMENTS = {"B": "strings", "b": "true or false", "f": "numbers", "i": "integers", "u": "integers from 0"}
CLASSES = {"B": {str}, "b": {bool}, "f": {int, float}, "i": {int}, "u": {int}}  # Python's, by kind


def array_from_json(data: Any, datatype: str, shape: Sequence[int], is_base64: bool = False) -> np.ndarray:
    """The array of JSON data: a list of all elements in row-major order, or lists nested as the shape is.

    Args:
        is_base64: whether strings of BYTES are base64 and not text.

    Raises ServingError, INVALID_ARGUMENT, for elements of another type or number.
    """
    elements = _flatten(data, shape)
    kind = _kind(datatype)
    if not set(map(type, elements)) <= CLASSES[kind]:
        wrong = next(element for element in elements if type(element) not in CLASSES[kind])
        raise invalid(f"Expected {ELEMENTS[kind]} for datatype {datatype}. Received: {shorten(wrong)}.")
    if datatype == BYTES:
        elements = [_encode(text, is_base64) for text in elements]
    return array_from_elements(elements, datatype, shape)


def array_from_elements(elements: list[Any], datatype: str, shape: Sequence[int]) -> np.ndarray:
    """The array of elements in row-major order; those of BYTES are bytes.

    Raises ServingError, INVALID_ARGUMENT, for another number of them, or integers beyond the range of the datatype.
    """
    if len(elements) != prod(shape):
        raise invalid(f"Expected {prod(shape)} elements for shape {shorten(list(shape))}. Received: {len(elements)}.")
    try:
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite, as in TensorFlow
            array = np.empty(len(elements), numpy_dtype(datatype))
            array[:] = elements
            return array.reshape(shape)
    except OverflowError:
        message = f"Expected {ELEMENTS[_kind(datatype)]} in the range of {datatype}. Received: one beyond it."
        raise invalid(message) from None


def _kind(datatype):
    """The kind of a datatype, a key of `ELEMENTS`."""
    return {BYTES: "B", "BF16": "f"}.get(datatype) or numpy_dtype(datatype).kind


def json_from_array(array: np.ndarray, is_base64: bool = False) -> tuple[list[Any], bool]:
    """`(all elements in row-major order, whether strings are base64)`: bytes that are no text are base64 anyway."""
    array = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    elements = array.ravel().tolist()
    if array.dtype.kind not in "OS":
        return elements, False
    if not is_base64:
        try:
            return [element.decode() for element in elements], False
        except UnicodeDecodeError:
            pass
    return [b64encode(element).decode() for element in elements], True


def _flatten(data, shape):
    """The elements of a list, or of lists nested as the shape is."""
    if not isinstance(data, list):
        raise invalid(f"Expected a list in `data`. Received: {shorten(data)}.")
    if not any(isinstance(element, list) for element in data):
        return data
    rows = [data]
    for size in shape:
        if any(not isinstance(row, list) or len(row) != size for row in rows):
            raise invalid(f"Expected `data` flat, or nested as its shape {shorten(list(shape))} is.")
        rows = [element for row in rows for element in row]
    if any(isinstance(element, list) for element in rows):
        raise invalid(f"Expected `data` flat, or nested as its shape {shorten(list(shape))} is.")
    return rows


def _encode(text, is_base64):
    try:
        return b64decode(text, validate=True) if is_base64 else text.encode()
    except ValueError:  # not base64, or half of a surrogate pair
        message = f"Expected {'base64' if is_base64 else 'text of whole characters'}. Received: {shorten(text)}."
        raise invalid(message) from None
