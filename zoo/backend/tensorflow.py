"""The TensorFlow backend beyond `keras.ops`. `zoo/backend/jax.py` documents the functions."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.backend import (
    tensorflow_attention,
    tensorflow_device,
    tensorflow_dropout,
    tensorflow_optimizer,
    tensorflow_remat,
    xla,
)

sigmoid, tanh, transpose, concatenate = tf.sigmoid, tf.tanh, tf.transpose, partial(tf.concat, axis=-1)

AdamW, linear, linears, lerp = tensorflow_optimizer.AdamW, xla.linear, xla.linears, xla.lerp
attention, cached_attention = tensorflow_attention.attention, tensorflow_attention.cached_attention
has_accelerator, accelerates_bfloat16 = tensorflow_device.has_accelerator, tensorflow_device.accelerates_bfloat16
free_memory, is_out_of_memory = tensorflow_device.free_memory, tensorflow_device.is_out_of_memory
update_cache, dropout = tensorflow_attention.update_cache, tensorflow_dropout.dropout
remat = tensorflow_remat.remat
# `jit_compile` of models: XLA on a CPU is slow at dropout: a TextCNN step took 366 ms with it, 61 without
predict_function = attrgetter("predict_on_batch")
JIT_COMPILE = False


def sigmoid_gradient(gradient: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The gradient of x from that of y = sigmoid(x)."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=gradient)


def tanh_gradient(gradient: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The gradient of x from that of y = tanh(x)."""
    return tf.raw_ops.TanhGrad(y=y, dy=gradient)


def split(array: tf.Tensor, parts: int) -> list[tf.Tensor]:
    """An array split into equal parts along its last axis."""
    return tf.split(array, parts, axis=-1)


def seed(number: int) -> None:
    """Seed TensorFlow's global generator."""
    tf.random.set_seed(number)


def set_train_function(model: keras.Model, batches: int | None = None) -> None:
    """Set the training step of a compiled model: Keras's own."""


def random_state() -> dict[str, np.ndarray]:
    """The global random state: Keras draws statelessly, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state: dict[str, np.ndarray]) -> None:
    """Restore what `random_state` returned."""


def fit_input(stream: Callable, signature: tuple) -> tf.data.Dataset:
    """The `x` of `keras.Model.fit` for a stream of batches, with two batches fetched ahead.

    Keras would take the first two batches' lengths for fixed, so every axis is declared variable here, but the last of
    three: the width of features, which layers must know.
    """

    def spec(array):
        return tf.TensorSpec([None, None, *array.shape[2:]] if array.ndim > 2 else [None] * array.ndim, array.dtype)

    signature = tf.nest.map_structure(spec, signature)
    return tf.data.Dataset.from_generator(stream, output_signature=signature).prefetch(2)


def scan(step: Callable, state: tuple, inputs: tuple, reverse: bool = False) -> tuple:
    """Scan over axis 0 of the `inputs`."""
    length = tf.shape(inputs[0])[0]

    def body(count, state, stacks):
        t = length - 1 - count if reverse else count
        state, outputs = step(state, tuple(array[t] for array in inputs))
        return count + 1, state, tuple(stack.write(t, output) for stack, output in zip(stacks, outputs, strict=True))

    _, outputs = step(state, tuple(array[0] for array in inputs))  # for their shapes; a graph drops the step
    stacks = tuple(tf.TensorArray(array.dtype, length, element_shape=array.shape) for array in outputs)
    _, state, stacks = tf.while_loop(lambda count, *_: count < length, body, (0, state, stacks))
    return state, tuple(stack.stack() for stack in stacks)


def while_loop(condition: Callable, body: Callable, state: Any) -> Any:
    """`state = body(state)` while `condition(state)`."""
    return tf.while_loop(condition, lambda state: (body(state),), (state,))[0]


def custom_gradient(forward: Callable, backward: Callable) -> Callable:
    """A differentiable function of arrays with a hand-written gradient."""

    @tf.custom_gradient
    def run(*arrays):
        outputs, residuals = forward(*arrays)
        return outputs, lambda *gradients: backward(residuals, gradients)

    return lambda *arrays: run(*map(tf.convert_to_tensor, arrays))  # `tf.custom_gradient` takes no variables


def value_and_gradients(function: Callable, *arrays: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The value of a scalar function of arrays of floats, and its gradient by each array."""
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = function(*tensors)
    gradients = tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return value, [tf.convert_to_tensor(gradient) for gradient in gradients]  # not the slices of a gather


def jit(function: Callable, variables: list, on_trace: Callable | None = None, donate: bool = True) -> Callable:
    """`function` as a `tf.function`."""

    def traced(*arguments):
        if on_trace:
            on_trace()
        return function(*arguments)

    return tf.function(traced, autograph=False)


def capture(function: Callable, on_trace: Callable | None = None) -> Callable:
    """`function` as it is: `jit` compiles it."""
    return function


def conv1d(x_BTM: tf.Tensor, kernel_KMF: tf.Tensor, padding: str, dilation: int) -> tf.Tensor:
    """A convolution over time, (batch, time, filters)."""
    return keras.ops.conv(x_BTM, kernel_KMF, 1, padding, "channels_last", dilation)


def masked_max(x_BTM: tf.Tensor, mask_BT: tf.Tensor) -> tf.Tensor:
    """Max pooling over the tokens where `mask_BT` is True; by adding -inf, whose gradient is faster than `where`'s."""
    bias_BT = tf.cast(tf.where(mask_BT, 0.0, float("-inf")), x_BTM.dtype)
    return tf.reduce_max(x_BTM + bias_BT[:, :, None], axis=1)


def fused_recurrence(
    kind: str, x_TBM: tf.Tensor, mask_BT: tf.Tensor | None, reverse: bool, weights: list
) -> tf.Tensor | None:
    """None: a graph with cuDNN's operation in it could not be served without a GPU."""


def update_rows(array: tf.Tensor, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """An array, batch first, with `values` in its (n,) `rows`."""
    return tf.tensor_scatter_nd_update(array, rows[:, None], tf.cast(values, array.dtype))


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """The cross-entropy of each target in nats."""
    logits = tf.cast(logits, "float32")
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    if not smoothing:
        return loss
    uniform = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
    return (1 - smoothing) * loss + smoothing * uniform


def count_occurrences(values: tf.Tensor) -> tf.Tensor:
    """How often each element of a 1-D array occurs in the array."""
    _, index, count = tf.unique_with_counts(values)
    return tf.gather(count, index)


def quantized_matmul(x_RI: tf.Tensor, matrix_OI: tf.Tensor, scale_O: tf.Tensor | None) -> tf.Tensor:
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 with a scale per output."""
    y_RO = tf.matmul(tf.cast(x_RI, "bfloat16"), tf.cast(matrix_OI, "bfloat16"), transpose_b=True)
    y_RO = tf.cast(y_RO, x_RI.dtype)
    return y_RO if scale_O is None else y_RO * tf.cast(scale_O, x_RI.dtype)


def token_mask(ids: tf.Tensor, where: tf.Tensor, vocabulary: int) -> tf.Tensor:
    """(batch, vocabulary) booleans, True at the `ids` at which `where` is True."""
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids))
    indices = tf.stack([rows, ids], axis=-1)
    return tf.scatter_nd(indices, tf.cast(where, "int32"), (tf.shape(ids)[0], vocabulary)) > 0


def dynamic_max(counts: tf.Tensor, limit: int) -> tf.Tensor:
    """The largest of an array of counts, at least 1."""
    return tf.maximum(tf.reduce_max(counts), 1)
