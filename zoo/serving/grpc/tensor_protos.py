"""TensorProto to NumPy arrays and back, as TensorFlow Serving reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from zoo.serving.serving_error import Code, ServingError

MAX_RANK = 32  # NumPy allows 64
STRING_BYTES = 16  # memory of an element of a string tensor, beside its characters
TYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}  # TensorFlow's names in its messages
VALUE_FIELDS = {  # {kind or name of a dtype: field of TensorProto}
    "float32": "float_val",
    "float64": "double_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "string": "string_val",
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "int_val"),
}
CONTENT_DTYPES = ("float32", "float64", "int32", "int64", "uint32", "uint64")  # whose field holds no other values
PACKED = 2  # wire type of repeated numbers


def read_tensor(proto: Any, name: str, dtype: str, max_bytes: int, number: int = 0) -> np.ndarray:
    """The array of a TensorProto: its values, the last of which is repeated up to its shape, or its `tensor_content`.

    Args:
        name: of the input, for messages.
        dtype: that the signature expects, as NumPy names it, or "string".
        max_bytes: that the array may take, so that a few bytes of a message do not fill the memory.
        number: of the input among those of the signature, for messages.

    Raises ServingError: INVALID_ARGUMENT for a damaged tensor or another dtype, RESOURCE_EXHAUSTED for a larger one.
    """
    import tensorflow as tf

    try:
        received = tf.dtypes.as_dtype(proto.dtype)
    except TypeError:
        raise _parsing_error(name) from None
    if received.name != dtype:
        names = [TYPE_NAMES.get(name, name) for name in (dtype, received.name)]
        raise ServingError(Code.INVALID_ARGUMENT, f"Expects arg[{number}] to be {names[0]} but {names[1]} is provided")
    shape = [dim.size for dim in proto.tensor_shape.dim]
    _check_size(shape, received, name, max_bytes)
    array = _read_all_values(proto, dtype, shape)
    if array is not None:
        return array
    try:
        tensor = tf.io.parse_tensor(proto.SerializeToString(), received)
    except tf.errors.OpError:
        raise _parsing_error(name) from None
    return np.array(tensor.numpy(), object) if dtype == "string" else tensor.numpy()


def _read_all_values(proto, dtype, shape):
    """The array of a tensor whose values are all there; None for others, which TensorFlow reads in 0.1 ms."""
    elements, content = prod(shape), proto.tensor_content
    if content:
        is_whole = dtype in CONTENT_DTYPES and len(content) == elements * np.dtype(dtype).itemsize
        return np.frombuffer(content, dtype).reshape(shape) if is_whole else None
    values = getattr(proto, VALUE_FIELDS[dtype]) if dtype in (*CONTENT_DTYPES, "string") else ()
    if len(values) != elements or not elements:
        return None
    array = np.empty(elements, object if dtype == "string" else dtype)
    array[:] = values
    return array.reshape(shape)


def _check_size(shape, dtype, name, max_bytes):
    if min(shape, default=0) < 0 or len(shape) > MAX_RANK:
        raise _parsing_error(name)
    elements = prod(size or 1 for size in shape)  # NumPy refuses large dimensions beside one of 0
    size = elements * (STRING_BYTES if dtype.name == "string" else dtype.size)
    if size > max_bytes:
        raise ServingError(
            Code.RESOURCE_EXHAUSTED, f"Input {name!r} of shape {shape} takes {size} bytes; the limit is {max_bytes}."
        )


def _parsing_error(name):
    return ServingError(Code.INVALID_ARGUMENT, f"tensor parsing error: {name}")


def write_tensor(array: np.ndarray, proto: Any) -> None:
    """Write an array, whose strings are bytes, to the value field of its dtype in an empty TensorProto.

    The values of a dtype without such a field are `tensor_content`.
    """
    import tensorflow as tf

    dtype = tf.string if array.dtype.kind in "OS" else tf.dtypes.as_dtype(array.dtype)
    proto.dtype = dtype.as_datatype_enum
    _write_shape(array.shape, proto)
    if dtype.name not in VALUE_FIELDS:
        proto.tensor_content = array.tobytes()
        return
    field = VALUE_FIELDS[dtype.name]
    if dtype.name in ("float32", "float64") and array.size:
        proto.MergeFromString(_packed(proto.DESCRIPTOR.fields_by_name[field].number, array))
        return
    values = array.view(np.uint16) if dtype.name in ("float16", "bfloat16") else array
    getattr(proto, field).extend(values.ravel().tolist())


def _packed(field, array):
    """The bytes of a field of floats in a message: 30 times as fast as one value after another."""
    data, size, length = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(), array.nbytes, bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((field << 3 | PACKED,)) + bytes(length) + bytes((size,)) + data


def _write_shape(shape: Sequence[int], proto):
    proto.tensor_shape.SetInParent()  # a scalar has a shape without dimensions
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
