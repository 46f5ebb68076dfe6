"""Gradients on JAX: written by hand, of a function, and of functions that are computed again in the backward pass."""

from collections.abc import Callable
from typing import Any

import jax
import keras
from jax import Array


def custom_gradient(forward: Callable, backward: Callable) -> Callable:
    """A differentiable function of arrays with a hand-written gradient.

    Args:
        forward: `outputs, residuals = forward(*arrays)`.
        backward: `backward(residuals, gradients)` returns the gradients of the arrays.
    """
    run = jax.custom_vjp(lambda *arrays: forward(*arrays)[0])
    run.defvjp(forward, backward)
    return jax.jit(run)  # compiled once where it is called outside a compiled model, instead of at every call


def value_and_gradients(function: Callable, *arrays: Any) -> tuple[Array, list[Array]]:
    """The value of a scalar function of arrays of floats, and its gradient by each array.

    The gradient of an array that the value does not depend on is zeros. `function` calls Keras layers with
    `training=False`: they may change no variable. Functions of `jit` have no gradient.

    Args:
        function: `function(*arrays)` returns a scalar.
        arrays: of the backend, or NumPy arrays.
    """
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    value, gradients = jax.value_and_grad(function, argnums=tuple(range(len(tensors))))(*tensors)
    return value, list(gradients)


def remat(function: Callable) -> Callable:
    """Gradient checkpointing: `function`, of arrays in structures, computed again in the backward pass.

    Chen et al. 2016, arXiv:1604.06174. The function reads and writes no Keras variable.
    """
    return jax.checkpoint(function)
