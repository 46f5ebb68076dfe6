"""Low-rank updates: a thin product that is learned in place of a kernel, which stays as it is.

Hu et al. 2021, LoRA, https://arxiv.org/abs/2106.09685. A layer takes part by naming its kernels in `adaptable`, and by
fetching each through `kernel_of`, or through `product` where all that it does is to multiply by it.
"""

import math

import keras
from keras import ops

from zoo import backend
from zoo.layers.dropout import Dropout


class LoRAUpdate(keras.layers.Layer):
    """What is added to the product of (..., inputs) with a kernel: (..., outputs), `scale` x A B, of rank `rank`.

    A begins as in the authors' code, B at zero, so that nothing is added before training.
    """

    def __init__(self, rank, outputs, scale, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.rank = rank
        self.outputs = outputs
        self.scale = scale
        self.drop = Dropout(dropout, name="drop", dtype=self.dtype_policy)  # of what meets A

    def build(self, x_shape):
        initial = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.a = self.add_weight((x_shape[-1], self.rank), initializer=initial, name="a")
        self.b = self.add_weight((self.rank, self.outputs), initializer="zeros", name="b")

    def call(self, x, training=False):
        a, b = ops.convert_to_tensor(self.a), ops.convert_to_tensor(self.b)
        return backend.affine(backend.affine(self.drop(x, training=training), a), b) * self.scale


def kernel_of(layer, name="kernel"):
    """A layer's kernel, updated where it has an update: the sum of the two, which is what the identity makes of it.

    So dropout leaves an input out for all tokens of a batch at once.
    """
    kernel, update = ops.convert_to_tensor(getattr(layer, name)), update_of(layer, name)
    if update is None:
        return kernel
    change = update(ops.eye(math.prod(kernel.shape[:-1]), dtype=kernel.dtype))
    return kernel + ops.cast(ops.reshape(change, kernel.shape), kernel.dtype)


def product(x, layer, name="kernel", bias=None):
    """(..., inputs) times a layer's kernel, (inputs, outputs), plus a bias and what its update adds."""
    rounded, update = getattr(layer, "rounded", None), update_of(layer, name)
    bias = None if bias is None else ops.convert_to_tensor(bias)
    if rounded:
        y = rounded.product(x) if bias is None else rounded.product(x) + bias
    else:
        y = backend.affine(x, ops.convert_to_tensor(getattr(layer, name)), bias)
    return y if update is None else y + update(x)


def update_of(layer, name):
    """The `LoRAUpdate` that a kernel has, or None."""
    return getattr(layer, f"{name}_update", None)


def attach(layer, name, rank, scale, dropout=0.0):
    """Give a kernel of a built layer a fresh `LoRAUpdate`, and return it."""
    kernel = getattr(layer, name)
    inputs, outputs = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    path = f"{kernel.path.replace('/', '_')}_update"
    dtype = layer.dtype_policy if kernel._autocast else kernel.dtype
    update = LoRAUpdate(rank, outputs, scale, dropout, name=path, dtype=dtype)
    update.build((None, inputs))
    switch_on(layer, name, update)
    return update


def switch_on(layer, name, update):
    """Let a kernel have this update."""
    layer._tracker.unlock()  # as `enable_lora` of Keras's own layers does
    setattr(layer, f"{name}_update", update)
    layer._tracker.lock()


def switch_off(layer, name):
    """Take a kernel's update away from it."""
    update = update_of(layer, name)
    delattr(layer, f"{name}_update")
    layer._tracker.unlock()
    layer._tracker.untrack(update)
    layer._tracker.lock()


def merge(layer, name):
    """Add a kernel's update to it for good, and take the update away."""
    update, kernel = update_of(layer, name), getattr(layer, name)
    kernel.assign(kernel.value + ops.reshape(ops.matmul(update.a.value, update.b.value) * update.scale, kernel.shape))
    update.b.assign(ops.zeros_like(update.b.value))  # for functions that were compiled with it
    switch_off(layer, name)
