"""Weights of an ONNX file in float16 or int8, converted to float32 where they are read.

The converter stores rounded weights in float32, perhaps transposed or reshaped. They lie on a grid, so storing them
anew loses nothing: int8 along the axis whose scales give whole numbers. Not by DequantizeLinear, before which
onnxruntime rounds activations too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.export.export_options import FLOAT16, FLOAT32
from zoo.export.precision import MIN_VALUES
from zoo.layers.quantization import INT8_MAX

GRID = 1e-3  # most distance of a value from a whole number of steps, in steps


def compress(model: Any, precision: str) -> None:
    """Store the rounded matrices of an `onnx.ModelProto` in a precision, in place."""
    from onnx import numpy_helper

    if precision == FLOAT32:
        return
    nodes, store = [], _to_float16 if precision == FLOAT16 else _to_int8
    for initializer in list(model.graph.initializer):
        array = numpy_helper.to_array(initializer)
        if array.dtype == FLOAT32 and array.ndim > 1 and array.size >= MIN_VALUES:
            nodes += store(model, initializer, array)
    all_nodes = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(all_nodes)


def _to_float16(model, initializer, array):
    """The node that converts a matrix from float16; [] where that would change it."""
    from onnx import TensorProto, helper

    with np.errstate(over="ignore"):
        half = array.astype(FLOAT16)
    if not np.array_equal(half.astype(FLOAT32), array):
        return []
    name, stored = initializer.name, _store(initializer, half)
    return [helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT)]


def _to_int8(model, initializer, array):
    """The nodes that dequantise a matrix; [] where no axis has scales that give whole numbers."""
    from onnx import TensorProto, helper, numpy_helper

    for axis in range(array.ndim):
        others = tuple(i for i in range(array.ndim) if i != axis)
        scale = np.abs(array).max(axis=others, keepdims=True) / np.float32(INT8_MAX)
        steps = array / np.where(scale > 0, scale, 1.0)
        if np.abs(steps - np.round(steps)).max() < GRID:
            name, stored = initializer.name, _store(initializer, np.round(steps).astype("int8"))
            model.graph.initializer.append(numpy_helper.from_array(scale.astype(FLOAT32), f"{name}_scale"))
            cast = helper.make_node("Cast", [stored], [f"{name}_steps"], to=TensorProto.FLOAT)
            return [cast, helper.make_node("Mul", [f"{name}_steps", f"{name}_scale"], [name])]
    return []


def _store(initializer, array):
    """Replace the values of an initializer, under another name, which is returned."""
    from onnx import numpy_helper

    name = f"{initializer.name}_stored"
    initializer.CopyFrom(numpy_helper.from_array(array, name))
    return name
