"""Weights in fewer bytes, for a trained network that only computes: in int8 or bfloat16 in place of float32.

Writing one token reads every weight once, so that for few rows the bytes of the weights are the time. In int8 each row
of a matrix has a scale of its own, the largest of its numbers divided by 127 (Dettmers 2022, arXiv:2208.07339, section
2.1, vector-wise), and products are computed in bfloat16 where that is quicker. What it gains depends on the backend.
"""

import keras
import numpy as np
from keras import ops

from zoo import backend

LARGEST = 127  # of int8; -128 has no partner
PRECISIONS = ("float32", "bfloat16", "int8")


class Rounded(keras.layers.Layer):
    """A matrix, (outputs, inputs), in "bfloat16" or "int8"."""

    def __init__(self, matrix_OI, precision):
        super().__init__(dtype="float32")
        matrix_OI = np.ascontiguousarray(ops.convert_to_numpy(matrix_OI))
        scale_O = np.maximum(np.abs(matrix_OI).max(axis=1), 1e-12) / LARGEST if precision == "int8" else None
        rounded = matrix_OI if scale_O is None else np.round(matrix_OI / scale_O[:, None]).astype("int8")
        self.matrix = self._keep(rounded, precision)
        self.scale = None if scale_O is None else self._keep(scale_O, "float32")
        self.built = True

    def product(self, x):
        """(..., outputs) of (..., inputs)."""
        rows = ops.reshape(x, (-1, x.shape[-1]))
        scale = None if self.scale is None else ops.convert_to_tensor(self.scale)
        y = backend.product(rows, ops.convert_to_tensor(self.matrix), scale)
        return ops.reshape(y, (*ops.shape(x)[:-1], y.shape[-1]))

    def take(self, rows):
        """(..., inputs) of (...) numbers of rows."""
        found = ops.cast(ops.take(self.matrix, rows, axis=0), "float32")
        return found if self.scale is None else found * ops.take(self.scale, rows, axis=0)[..., None]

    def _keep(self, array, dtype):
        options = {"trainable": False, "autocast": False, "dtype": dtype}
        return self.add_weight(array.shape, lambda shape, dtype: ops.convert_to_tensor(array, dtype), **options)


def rounds(layer, name, matrix_OI, precision):
    """Put a `Rounded` matrix into a layer that is built, as its `rounded`, in place of the weight called `name`."""
    layer._tracker.unlock()  # as Keras does where it quantises a layer
    layer.rounded = Rounded(matrix_OI, precision)
    layer._untrack_variable(getattr(layer, name))
    setattr(layer, name, None)
    layer._tracker.lock()
    layer.adaptable = ()  # an adapter learns beside exact weights


def round_weights(model, precision):
    """Round the matrices of a model's dense layers, and vectors of tokens that logits are made with; not undone.

    Layers take part by a method `round_weights(precision)`. Raises ValueError for an unknown precision.
    """
    for layer in model._flatten_layers():
        if hasattr(layer, "round_weights"):
            layer.round_weights(precision)
