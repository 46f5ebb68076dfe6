"""Linear maps on JAX: those of `zoo/backend/xla.py` but for many rows on a GPU, in forms that suit its tensor cores."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import keras
from jax import Array

from zoo.backend import xla
from zoo.backend.shapes import ALIGNMENT, TILE

MANY_ROWS = 256  # from which a product is bound by arithmetic, not by reading the kernel


def linear(x: Array, kernel_IO: Array, bias_O: Array | None = None) -> Array:
    """The linear map x W + b: (..., inputs) to (..., outputs)."""
    if _suits_gpu(x) and x.dtype.itemsize == 2 and kernel_IO.shape[-1] % ALIGNMENT:
        return aligned_linear(x, kernel_IO, bias_O)
    return xla.linear(x, kernel_IO, bias_O)


def aligned_linear(x: Array, kernel_IO: Array, bias_O: Array | None) -> Array:
    """The linear map with outputs padded to whole tiles, such as 50,257 logits of GPT-2 to 50,304.

    XLA pads products too, but copies their results to cut the padding off; here the loss reads them as they are.
    """
    outputs = kernel_IO.shape[-1]
    padding = -outputs % TILE
    bias_O = None if bias_O is None else jnp.pad(bias_O, (0, padding))
    return xla.linear(x, jnp.pad(kernel_IO, ((0, 0), (0, padding))), bias_O)[..., :outputs]


def linears(x: Array, kernels_IO: Sequence[Array], biases_O: Sequence[Array | None]) -> list[Array]:
    """Several linear maps of the same features, such as queries, keys and values; on a GPU one product for many rows.

    Args:
        biases_O: a bias, or None, for each kernel.
    """
    if _suits_gpu(x) and not any(bias_O is None for bias_O in biases_O):
        return joint_linear(x, kernels_IO, biases_O)
    return xla.linears(x, kernels_IO, biases_O)


def joint_linear(x: Array, kernels_IO: Sequence[Array], biases_O: Sequence) -> list[Array]:
    """Several linear maps of the same features as one product of matrices."""
    y = xla.linear(x, jnp.concatenate(list(kernels_IO), 1), jnp.concatenate(list(biases_O)))
    ends = [sum(kernel_IO.shape[1] for kernel_IO in kernels_IO[: i + 1]) for i in range(len(kernels_IO) - 1)]
    return jnp.split(y, ends, -1)


def _suits_gpu(x):
    """Whether a GPU multiplies many rows; the kernels of several devices stay as they are split."""
    rows = x.size // x.shape[-1]
    return jax.default_backend() == "gpu" and rows >= MANY_ROWS and keras.distribution.distribution() is None
