"""A dense layer that is quick on every backend, with LoRA and weight-only quantisation."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.backend import Tensor
from zoo.backend.keras_private import DENSE_KERNEL
from zoo.layers.lora import lora_of, matmul
from zoo.layers.quantization import replace_weight


@keras.saving.register_keras_serializable(package="zoo")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense` whose product and bias are one call of the backend.

    >>> layers.Dense(8, activation="relu")(keras.Input((5, 16))).shape
    (None, 5, 8)
    """

    lora_targets = ("kernel",)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.activation(matmul(inputs, self, bias=self.bias))

    def quantize_weights(self, weight_type: str) -> None:
        """Replace the kernel by an "int8" or "bfloat16" one."""
        replace_weight(self, DENSE_KERNEL, ops.transpose(self.kernel), weight_type)


def project(x: Tensor, layers: Sequence[Dense]) -> list[Tensor]:
    """The outputs of several dense layers without activation for the same features, (..., units) each.

    One product of matrices where the backend is faster so, unless a kernel is quantised or has a LoRA update.
    """
    if any(getattr(layer, "quantized", None) or lora_of(layer, "kernel") for layer in layers):
        return [layer.call(x) for layer in layers]
    biases = [None if layer.bias is None else ops.convert_to_tensor(layer.bias) for layer in layers]
    return backend.linears(x, [ops.convert_to_tensor(layer.kernel) for layer in layers], biases)


def built_dense(name: str, units: int, input_shape: tuple, dtype: Any, **options: Any) -> Dense:
    """A built `Dense` for use within another layer.

    Args:
        input_shape: its last axis is the width of the inputs.
        dtype: dtype or dtype policy of the outer layer.
        options: others of `Dense`.
    """
    layer = Dense(units, name=name, dtype=dtype, **options)
    layer.build(input_shape)
    return layer
