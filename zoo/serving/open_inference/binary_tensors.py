"""Tensors as bytes: little-endian in row-major order; an element of BYTES follows its length in four bytes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from struct import Struct

import numpy as np

from zoo.runtime.errors import shorten
from zoo.serving.open_inference.datatypes import BYTES, numpy_dtype
from zoo.serving.serving_error import Code, ServingError

LENGTH = Struct("<I")


def array_from_bytes(data: bytes | memoryview, datatype: str, shape: Sequence[int]) -> np.ndarray:
    """The array of a tensor's bytes. Raises ServingError, INVALID_ARGUMENT, for another number of bytes or elements."""
    if datatype == BYTES:
        elements = _split(data)
        received, expected, unit = len(elements), prod(shape), "elements"
    else:
        received, expected, unit = len(data), prod(shape) * numpy_dtype(datatype).itemsize, "bytes"
    if received != expected:
        message = f"Expected {expected} {unit} for shape {shorten(list(shape))} of {datatype}. Received: {received}."
        raise ServingError(Code.INVALID_ARGUMENT, message)
    if datatype == BYTES:
        array = np.empty(received, object)
        array[:] = elements
        return array.reshape(shape)
    return np.frombuffer(data, numpy_dtype(datatype)).reshape(shape)


def bytes_from_array(array: np.ndarray) -> bytes:
    """The bytes of a tensor."""
    if array.dtype.kind in "OS":
        return b"".join(LENGTH.pack(len(element)) + element for element in array.ravel().tolist())
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _split(data):
    """The elements of BYTES."""
    elements, position = [], 0
    while position < len(data):
        start = position + LENGTH.size
        end = start + LENGTH.unpack_from(data, position)[0] if start <= len(data) else start
        if end > len(data):
            message = (
                "Expected each element of BYTES after its length in 4 bytes, little-endian. Received: fewer bytes."
            )
            raise ServingError(Code.INVALID_ARGUMENT, message)
        elements.append(bytes(data[start:end]))
        position = end
    return elements
