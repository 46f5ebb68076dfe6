"""LoRA: low-rank updates of kernels, trained while the kernels stay frozen.

Hu et al. 2021, https://arxiv.org/abs/2106.09685. A layer supports LoRA by naming its kernels in `lora_targets`, and by
computing with `effective_kernel`, or with `matmul` where it only multiplies by the kernel.
"""

import math

import keras
from keras import ops

from zoo import backend
from zoo.backend import Tensor
from zoo.backend.keras_private import autocasts, remove_layer, unlock_layer
from zoo.layers.dropout import Dropout


class LoRAUpdate(keras.layers.Layer):
    """The low-rank update of a product with a kernel: (..., inputs) to (..., outputs), `scale` * x A B.

    A is initialised as in the authors' code, B with zeros, so that an untrained update adds nothing.

    Args:
        rank: columns of A and rows of B.
        scale: factor of the update, alpha / rank in the paper.
        dropout: rate of dropout of the inputs x.
    """

    def __init__(self, rank: int, outputs: int, scale: float, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.rank = rank
        self.outputs = outputs
        self.scale = scale
        self.dropout = Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def build(self, x_shape):
        uniform = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.a = self.add_weight((x_shape[-1], self.rank), initializer=uniform, autocast=False, name="a")
        self.b = self.add_weight((self.rank, self.outputs), initializer="zeros", autocast=False, name="b")

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        a, b = self._factors()
        return backend.linear(backend.linear(self.dropout(x, training=training), a), b) * self.scale

    def matrix(self) -> Tensor:
        """The update of the kernel itself, `scale` * A B, (inputs, outputs), without dropout."""
        return backend.linear(*self._factors()) * self.scale

    def _factors(self):
        return ops.cast(self.a, self.compute_dtype), ops.cast(self.b, self.compute_dtype)


def effective_kernel(layer: keras.layers.Layer, name: str = "kernel") -> Tensor:
    """The effective kernel of a layer, W + scale * A B; W where the kernel has no update.

    With dropout the update is applied to the rows of the identity, so one input feature is dropped for the whole batch.
    """
    kernel, update = ops.convert_to_tensor(getattr(layer, name)), lora_of(layer, name)
    if update is None:
        return kernel
    if update.dropout.rate:
        delta = update(ops.eye(math.prod(kernel.shape[:-1]), dtype=kernel.dtype))
    else:
        delta = update.matrix()
    return kernel + ops.cast(ops.reshape(delta, kernel.shape), kernel.dtype)


def matmul(x: Tensor, layer: keras.layers.Layer, name: str = "kernel", bias: Tensor | None = None) -> Tensor:
    """The product of (..., inputs) with a layer's kernel, (inputs, outputs), quantised or not, plus bias and update."""
    quantized, update = getattr(layer, "quantized", None), lora_of(layer, name)
    bias = None if bias is None else ops.convert_to_tensor(bias)
    if quantized:
        y = quantized.matmul(x) if bias is None else quantized.matmul(x) + bias
    else:
        y = backend.linear(x, ops.convert_to_tensor(getattr(layer, name)), bias)
    return y if update is None else y + update(x)


def lora_of(layer: keras.layers.Layer, name: str) -> LoRAUpdate | None:
    """The LoRA update of the kernel in attribute `name`, or None."""
    return getattr(layer, f"{name}_update", None)


def attach(layer: keras.layers.Layer, name: str, rank: int, scale: float, dropout: float = 0.0) -> LoRAUpdate:
    """Create a LoRA update for the kernel in attribute `name` of a built layer, enable it, and return it."""
    kernel = getattr(layer, name)
    inputs, outputs = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    path = f"{kernel.path.replace('/', '_')}_update"
    dtype = layer.dtype_policy if autocasts(kernel) else kernel.dtype
    update = LoRAUpdate(rank, outputs, scale, dropout, name=path, dtype=dtype)
    update.build((None, inputs))
    enable_lora(layer, name, update)
    return update


def enable_lora(layer: keras.layers.Layer, name: str, update: LoRAUpdate) -> None:
    """Attach a LoRA update to the kernel in attribute `name` of a built layer."""
    with unlock_layer(layer):
        setattr(layer, f"{name}_update", update)


def disable_lora(layer: keras.layers.Layer, name: str) -> None:
    """Detach the LoRA update of the kernel in attribute `name`; the kernel stays as it was."""
    remove_layer(layer, f"{name}_update")


def merge(layer: keras.layers.Layer, name: str) -> None:
    """Merge the LoRA update of the kernel in attribute `name` into the kernel, and detach the update."""
    update, kernel = getattr(layer, f"{name}_update"), getattr(layer, name)
    kernel.assign(kernel.value + ops.reshape(ops.matmul(update.a.value, update.b.value) * update.scale, kernel.shape))
    update.b.assign(ops.zeros_like(update.b.value))  # for functions that were compiled with the update
    disable_lora(layer, name)
