"""The answer of TensorFlow Serving's `:predict`: rows (`predictions`) or columns (`outputs`), pretty-printed."""

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.serving_error import invalid
from zoo.serving.tensorflow_serving.tf_json.decimals import format_decimals
from zoo.serving.tensorflow_serving.tf_json.predict_request import ROW
from zoo.serving.tensorflow_serving.tf_json.quote import INDENT, write_string
from zoo.serving.tensorflow_serving.tf_json.tensor_values import RANGES, dtype_name

BYTES = "_bytes"  # the end of the names of outputs that hold bytes


def predict_answer(outputs: Mapping[str, Any], form: str) -> bytes:
    """The body of an answer, in the order of `outputs`.

    Strings are bytes, or arrays of them. Those of an output whose name ends in `_bytes` are written as
    `{"b64": ...}`; in those of any other, bytes that are not UTF-8 become U+FFFD.

    Args:
        outputs: {name: array}.
        form: ROW or COLUMN, as the request was.

    Raises ServingError: INVALID_ARGUMENT for outputs that differ in their first dimension, in rows, and for a dtype
    that JSON cannot hold, as float16.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    arrays = {name: _to_array(value) for name, value in outputs.items()}
    key, text = ("predictions", _rows(arrays)) if form == ROW else ("outputs", _columns(arrays))
    return f'{{\n    "{key}": {text}\n}}'.encode()


def _to_array(value):
    if not isinstance(value, bytes):
        return np.asarray(value)
    array = np.empty((), object)  # of dtype bytes it would lose its last zeros
    array[()] = value
    return array


def _columns(arrays):
    level = 1 if len(arrays) == 1 else 2
    columns = {}
    for name, array in arrays.items():
        texts = _texts(name, array, level + array.ndim)
        for axis in reversed(range(array.ndim)):
            inner, outer = _margin(level + axis + 1), _margin(level + axis)
            texts = [
                f"[{inner}{f',{inner}'.join(group)}{outer}]" if group else "[]" for group in _groups(texts, array, axis)
            ]
        columns[name] = texts[0]
    return columns.popitem()[1] if level == 1 else _object(columns, 1)


def _rows(arrays):
    if not _batch_size(arrays):
        return "[]"
    level = 2 if len(arrays) == 1 else 3
    columns = {name: _row_texts(name, array, level) for name, array in arrays.items()}
    if level == 2:
        return f"[{', '.join(columns.popitem()[1])}{_margin(1)}]"
    rows = [_object(dict(zip(columns, row, strict=True)), 2) for row in zip(*columns.values(), strict=True)]
    return f"[{_margin(2)}{f',{_margin(2)}'.join(rows)}{_margin(1)}]"


def _row_texts(name, array, level):
    texts = _texts(name, array, level + array.ndim - 1)
    for axis in reversed(range(1, array.ndim)):
        texts = [f"[{', '.join(group)}]" for group in _groups(texts, array, axis)]
    return texts


def _batch_size(arrays):
    size = None
    for name, array in arrays.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size is not None and size != len(array):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}")
        size = len(array)
    return size


def _groups(texts, array, axis):
    """The texts along an axis, for each position of the axes before it."""
    size = array.shape[axis]
    return [texts[index * size : (index + 1) * size] for index in range(math.prod(array.shape[:axis]))]


def _object(texts, level):
    names = [f"{_margin(level + 1)}{write_string(name)}: {text}" for name, text in texts.items()]
    return f"{{{','.join(names)}{_margin(level)}}}"


def _margin(level):
    return "\n" + " " * (INDENT * level)


def _texts(name, array, level):
    """Each value as JSON, within `level` arrays and objects."""
    values = array.ravel()
    dtype = "string" if array.dtype.kind in "OS" else array.dtype.name
    if dtype in ("float32", "float64"):
        return format_decimals(values)
    if dtype == "bool":
        return ["true" if value else "false" for value in values.tolist()]
    if dtype in RANGES:
        return list(map(str, values.tolist()))
    if dtype == "string" and name.endswith(BYTES):
        return [_base64(value, level) for value in values.tolist()]
    if dtype == "string":
        return [write_string(value.decode("utf-8", "replace")) for value in values.tolist()]
    if not values.size:
        return []
    raise invalid(f"Failed to write JSON value for tensor type: {dtype_name(dtype)}")


def _base64(value, level):
    return f'{{{_margin(level + 1)}"b64": "{base64.b64encode(value).decode()}"{_margin(level)}}}'
