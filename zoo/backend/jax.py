"""The JAX backend beyond `keras.ops`; its docstrings are the reference for all backends."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import Array

from zoo.backend import (
    jax_attention,
    jax_device,
    jax_dropout,
    jax_gradients,
    jax_linear,
    jax_optimizer,
    jax_processes,
    jax_training,
    xla,
)

sigmoid, tanh, transpose = jax.nn.sigmoid, jnp.tanh, jnp.transpose
concatenate, split = partial(jnp.concatenate, axis=-1), partial(jnp.split, axis=-1)

AdamW, lerp = jax_optimizer.AdamW, xla.lerp
linear, linears, dropout = jax_linear.linear, jax_linear.linears, jax_dropout.dropout
attention, cached_attention, update_cache = (
    jax_attention.attention,
    jax_attention.cached_attention,
    jax_attention.update_cache,
)
has_accelerator, accelerates_bfloat16 = jax_device.has_accelerator, jax_device.accelerates_bfloat16
free_memory, is_out_of_memory = jax_device.free_memory, jax_device.is_out_of_memory
custom_gradient, value_and_gradients = jax_gradients.custom_gradient, jax_gradients.value_and_gradients
remat = jax_gradients.remat
set_train_function = jax_training.set_train_function
JIT_COMPILE = "auto"  # `jit_compile` of models: JAX is slow without


def sigmoid_gradient(gradient: Array, y: Array) -> Array:
    """The gradient of x from that of y = sigmoid(x)."""
    return gradient * y * (1 - y)


def tanh_gradient(gradient: Array, y: Array) -> Array:
    """The gradient of x from that of y = tanh(x)."""
    return gradient * (1 - y * y)


def seed(number: int) -> None:
    """Seed the framework's global random state: JAX has none."""


def random_state() -> dict[str, np.ndarray]:
    """The global random state as {name: array}: JAX has none, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state: dict[str, np.ndarray]) -> None:
    """Restore what `random_state` returned."""


def fit_input(stream: Callable, signature: tuple) -> Any:
    """The `x` of `keras.Model.fit` for a stream of batches.

    Args:
        stream: `stream()` yields (inputs, targets, weights) as NumPy arrays.
        signature: the first item of the stream, for backends that must know its structure.
    """
    return stream()


def scan(step: Callable, state: tuple, inputs: tuple, reverse: bool = False) -> tuple:
    """Scan over axis 0 of the `inputs`: `state, outputs = step(state, slices)`; the last state and stacked outputs."""
    return jax.lax.scan(step, state, inputs, reverse=reverse)


def while_loop(condition: Callable, body: Callable, state: Any) -> Any:
    """`state = body(state)` while `condition(state)`; the state is a structure of arrays whose shapes stay the same."""
    return jax.lax.while_loop(condition, body, state)


def jit(function: Callable, variables: Sequence, on_trace: Callable | None = None, donate: bool = True) -> Callable:
    """`function`, of arrays in any structure, without gradients and compiled once for each shape of its arguments.

    Args:
        variables: the Keras variables that the function reads.
        on_trace: called without arguments whenever the function is compiled.
        donate: whether the buffers of the first argument may be overwritten.
    """

    def stateless(first, values, *others):
        if on_trace:
            on_trace()
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            return function(first, *others)

    return jax_processes.with_values(jax.jit(stateless, donate_argnums=0 if donate else ()), variables)


def predict_function(model: keras.Model) -> Callable:
    """The outputs of a model for a batch of inputs without training, which several threads may call at once.

    On JAX Keras's own `predict_on_batch` donates the state of the model, which another thread may be reading.
    """
    run = jit(lambda inputs: model(inputs, training=False), model.variables, donate=False)
    return lambda inputs: run(jax_processes.split_rows(inputs))


def capture(function: Callable, on_trace: Callable | None = None) -> Callable:
    """`function` as a captured graph of operations, without Python's overhead; on JAX unchanged: `jit` compiles it."""
    return function


def conv1d(x_BTM: Array, kernel_KMF: Array, padding: str, dilation: int) -> Array:
    """A convolution over time, (batch, time, filters); `padding` is "same" or "valid"."""
    return keras.ops.conv(x_BTM, kernel_KMF, 1, padding, "channels_last", dilation)


def masked_max(x_BTM: Array, mask_BT: Array) -> Array:
    """Max pooling over the tokens where `mask_BT` is True, (batch, width); -inf for a text without a token.

    A tree of `where` between halves. The gradient of JAX's own maximum goes to the elements that equal it, but XLA may
    compute an element twice, rounded differently: then none is equal, and the gradient is lost or 0 / 0.
    """
    x_BTM = jnp.where(mask_BT[:, :, None], x_BTM, float("-inf"))
    while x_BTM.shape[1] > 1:
        half = x_BTM.shape[1] // 2
        left, right, odd = x_BTM[:, :half], x_BTM[:, half : 2 * half], x_BTM[:, 2 * half :]
        x_BTM = jnp.concatenate([jnp.where(left >= right, left, right), odd], axis=1)
    return x_BTM[:, 0]


def fused_recurrence(kind: str, x_TBM: Array, mask_BT: Array | None, reverse: bool, weights: list) -> Array | None:
    """The features of a recurrent layer, (time, batch, units), by a fused kernel; None where the device has none.

    None on JAX: its cuDNN kernel is experimental and for LSTM only, and the scan is compiled as a whole.

    Args:
        kind: "RNN", "LSTM" or "GRU".
        mask_BT: booleans, True at tokens, or None. With `reverse` each text is read from its own end.
        weights: kernel, recurrent kernel and bias in Keras's layout.
    """


def update_rows(array: Array, rows: Array, values: Array) -> Array:
    """An array, batch first, with `values` in its (n,) `rows`; a row that occurs several times has equal values."""
    return array.at[rows].set(values.astype(array.dtype))


def cross_entropy(logits: Array, targets: Array, smoothing: float = 0.0) -> Array:
    """The cross-entropy of each target in nats, (...,) float32, of (..., classes) logits and (...,) integer classes.

    With label smoothing s the target has 1 - s of the weight and all classes share s: Szegedy 2016, arXiv:1512.00567,
    section 7.
    """
    logits = logits.astype("float32")
    total = jax.nn.logsumexp(logits, axis=-1)
    loss = total - jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return loss if not smoothing else (1 - smoothing) * loss + smoothing * (total - logits.mean(-1))


def count_occurrences(values: Array) -> Array:
    """How often each element of a 1-D array occurs in the array: integers of the same shape."""
    ordered = jnp.sort(values)
    return jnp.searchsorted(ordered, values, side="right") - jnp.searchsorted(ordered, values, side="left")


def quantized_matmul(x_RI: Array, matrix_OI: Array, scale_O: Array | None) -> Array:
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 with a scale per output.

    On a CPU that is slower than float32: one row of a GPT-2 in int8 comes to 17 tokens/s, in bfloat16 to 4, where
    float32 generates 19 (one core).
    """
    y_RO = jnp.matmul(x_RI.astype("bfloat16"), matrix_OI.astype("bfloat16").T, preferred_element_type="float32")
    return (y_RO if scale_O is None else y_RO * scale_O).astype(x_RI.dtype)


def token_mask(ids: Array, where: Array, vocabulary: int) -> Array:
    """(batch, vocabulary) booleans, True at the (batch, n) `ids` at which `where`, (batch, n) booleans, is True."""
    mask = jnp.zeros((len(ids), vocabulary), bool)
    return mask.at[jnp.arange(len(ids))[:, None], ids].max(where)


def dynamic_max(counts: Array, limit: int) -> int | Array:
    """The largest of an array of counts, at least 1, where a shape may depend on data; on JAX the `limit`."""
    return limit
