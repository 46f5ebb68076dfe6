"""Functions with one implementation for JAX and TensorFlow, which XLA compiles."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def linear(x: Any, kernel_IO: Any, bias_O: Any = None) -> Any:
    """The linear map x W + b: (..., inputs) to (..., outputs).

    Leading axes are flattened to rows: XLA's gradient then takes half the time.
    """
    rows = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), kernel_IO)
    rows = rows if bias_O is None else rows + bias_O
    return ops.reshape(rows, (*ops.shape(x)[:-1], kernel_IO.shape[-1]))


def linears(x: Any, kernels_IO: Sequence, biases_O: Sequence) -> list:
    """Several linear maps of the same features: see `zoo/backend/jax_linear.py`."""
    return [linear(x, kernel_IO, bias_O) for kernel_IO, bias_O in zip(kernels_IO, biases_O, strict=True)]


def lerp(variables: Sequence[keras.Variable], targets: Sequence[keras.Variable], weight: Any) -> None:
    """Linear interpolation: move each variable towards its target of the same shape, by the share `weight`, 0 to 1."""
    for variable, target in zip(variables, targets, strict=True):
        share = ops.cast(weight, variable.dtype)
        variable.assign(variable.value + share * (target.value - variable.value))
