"""Weights in fewer bytes, for those that learn no more: in int8 or bfloat16 in place of float32.

Writing one token reads every weight once, so that for few rows the bytes of the weights are the time. In int8 each row
of a matrix has a scale of its own, the largest of its numbers divided by 127 (Dettmers 2022, arXiv:2208.07339, section
2.1, vector-wise), and products are computed in bfloat16 where that is quicker. What it gains depends on the backend.
What learns beside such weights has gradients through them (Dettmers 2023, QLoRA, arXiv:2305.14314, section 3).
"""

import keras
import numpy as np
from keras import ops

from zoo import backend

LARGEST = 127  # of int8; -128 has no partner
PRECISIONS = ("float32", "bfloat16", "int8")


class QuantizedMatrix(keras.layers.Layer):
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
        """(..., outputs) of (..., inputs), with a gradient of these alone."""
        rows = ops.reshape(x, (-1, x.shape[-1]))
        weights = (self.matrix,) if self.scale is None else (self.matrix, self.scale)
        (y,) = _product(rows, *map(ops.convert_to_tensor, weights))
        return ops.reshape(y, (*ops.shape(x)[:-1], y.shape[-1]))

    def take(self, rows):
        """(..., inputs) of (...) numbers of rows."""
        found = ops.cast(ops.take(self.matrix, rows, axis=0), "float32")
        return found if self.scale is None else found * ops.take(self.scale, rows, axis=0)[..., None]

    def _keep(self, array, dtype):
        options = {"trainable": False, "autocast": False, "dtype": dtype}
        return self.add_weight(array.shape, lambda shape, dtype: ops.convert_to_tensor(array, dtype), **options)


def _forward(rows, matrix_OI, scale_O=None):
    return (backend.product(rows, matrix_OI, scale_O),), (matrix_OI, scale_O)


def _backward(kept, gradients):
    """The gradient of the rows; nothing is kept for it but the matrix as it is."""
    (matrix_OI, scale_O), (gradient_RO,) = kept, gradients
    scaled_RO = gradient_RO if scale_O is None else gradient_RO * ops.cast(scale_O, gradient_RO.dtype)
    gradient_RI = backend.product(scaled_RO, ops.transpose(ops.cast(matrix_OI, "bfloat16")), None)
    return gradient_RI, *(None for array in kept if array is not None)


_product = backend.differentiable(_forward, _backward)


def rounds(layer, name, matrix_OI, precision):
    """Put a `QuantizedMatrix` matrix into a layer that is built, as its `rounded`, in place of the weight called `name`."""
    layer._tracker.unlock()  # as Keras does where it quantises a layer
    layer.rounded = QuantizedMatrix(matrix_OI, precision)
    layer._untrack_variable(getattr(layer, name))
    super(keras.Layer, layer).__delattr__(name)  # TensorFlow's way to forget; Keras's own collects garbage each time
    setattr(layer, name, None)
    layer._tracker.lock()
    layer.adaptable = ()  # an adapter learns beside exact weights


def round_weights(model, precision, frozen=False):
    """Round the matrices of a model's dense layers, and vectors of tokens that logits are made with; not undone.

    Layers take part by a method `round_weights(precision)`; with `frozen`, those whose own weights do not learn.
    """
    for layer in model._flatten_layers():
        learns = any(weight.trainable for weight in layer._trainable_variables)
        if hasattr(layer, "round_weights") and not (frozen and learns):
            layer.round_weights(precision)
