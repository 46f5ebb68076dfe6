"""Weight-only quantisation: frozen matrices in int8 or bfloat16 in place of float32.

Decoding is memory-bound: each token reads every weight once, so with few rows the time is that of reading the weights.
In int8 each row of a matrix has its own scale, its largest absolute value divided by 127 (Dettmers 2022,
arXiv:2208.07339, section 2.1, vector-wise), and products are computed in bfloat16. The speed-up depends on the backend.
Adapters beside quantised weights get gradients through them (Dettmers 2023, QLoRA, arXiv:2305.14314, section 3).

Not Keras's own `quantize("int8")`: that rounds activations to int8 too and is slower. On torch and one core, 20 dense
layers of 768 x 3072 take 1, 8 and 64 rows in 5.7, 10.6 and 31 ms here, in 10.0, 31 and 152 ms by Keras, and in 13.2,
13.3 and 47 ms in float32.
"""

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.backend import Tensor
from zoo.backend.keras_private import all_layers, own_trainable_variables, remove_weight, unlock_layer

INT8_MAX = 127  # symmetric: -128 is unused
WEIGHT_TYPES = ("float32", "bfloat16", "int8")


class QuantizedMatrix(keras.layers.Layer):
    """A quantised, frozen matrix, (outputs, inputs).

    Args:
        matrix_OI: the exact matrix.
        weight_type: "bfloat16" or "int8".
    """

    def __init__(self, matrix_OI: Tensor, weight_type: str):
        super().__init__(dtype="float32")
        matrix_OI = np.ascontiguousarray(ops.convert_to_numpy(matrix_OI))
        scale_O = np.maximum(np.abs(matrix_OI).max(axis=1), 1e-12) / INT8_MAX if weight_type == "int8" else None
        matrix_OI = matrix_OI if scale_O is None else np.round(matrix_OI / scale_O[:, None]).astype("int8")
        self.matrix = self._constant(matrix_OI, weight_type)
        self.scale = None if scale_O is None else self._constant(scale_O, "float32")
        self.built = True

    def matmul(self, x: Tensor) -> Tensor:
        """(..., outputs) of (..., inputs); only `x` gets a gradient."""
        rows = ops.reshape(x, (-1, x.shape[-1]))
        weights = (self.matrix,) if self.scale is None else (self.matrix, self.scale)
        (y,) = _matmul(rows, *map(ops.convert_to_tensor, weights))
        return ops.reshape(y, (*ops.shape(x)[:-1], y.shape[-1]))

    def take(self, indices: Tensor) -> Tensor:
        """The rows at some indices, dequantised: (..., inputs) float32 of (...) integers."""
        rows = ops.cast(ops.take(self.matrix, indices, axis=0), "float32")
        return rows if self.scale is None else rows * ops.take(self.scale, indices, axis=0)[..., None]

    def _constant(self, array, dtype):
        options = {"trainable": False, "autocast": False, "dtype": dtype}
        return self.add_weight(array.shape, lambda shape, dtype: ops.convert_to_tensor(array, dtype), **options)


def _forward(rows, matrix_OI, scale_O=None):
    return (backend.quantized_matmul(rows, matrix_OI, scale_O),), (matrix_OI, scale_O)


def _backward(residuals, gradients):
    """The gradient of the rows; the only residual is the quantised matrix."""
    (matrix_OI, scale_O), (gradient_RO,) = residuals, gradients
    scaled_RO = gradient_RO if scale_O is None else gradient_RO * ops.cast(scale_O, gradient_RO.dtype)
    gradient_RI = backend.quantized_matmul(scaled_RO, ops.transpose(ops.cast(matrix_OI, "bfloat16")), None)
    return gradient_RI, *(None for array in residuals if array is not None)


_matmul = backend.custom_gradient(_forward, _backward)


def replace_weight(layer: keras.layers.Layer, name: str, matrix_OI: Tensor, weight_type: str) -> None:
    """Replace the weight in attribute `name` of a built layer by a `QuantizedMatrix` in its attribute `quantized`."""
    with unlock_layer(layer):
        layer.quantized = QuantizedMatrix(matrix_OI, weight_type)
    remove_weight(layer, name)
    layer.lora_targets = ()  # a new adapter is trained beside exact weights


def quantize_weights(model: keras.Model, weight_type: str, frozen: bool = False) -> None:
    """Quantise the kernels of a model's dense layers and its embedding tables; cannot be undone.

    Layers with a method `quantize_weights(weight_type)` are quantised.

    Args:
        weight_type: "int8" or "bfloat16".
        frozen: whether layers with a trainable weight of their own are left out.
    """
    for layer in all_layers(model):
        trainable = any(weight.trainable for weight in own_trainable_variables(layer))
        if hasattr(layer, "quantize_weights") and not (frozen and trainable):
            layer.quantize_weights(weight_type)
