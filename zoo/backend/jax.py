"""What the zoo asks of JAX beyond `keras.ops`."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

from zoo.backend import xla

sigmoid, tanh, transpose = jax.nn.sigmoid, jnp.tanh, jnp.transpose
concatenate, split = partial(jnp.concatenate, axis=-1), partial(jnp.split, axis=-1)

WEYL = np.uint32(0x9E3779B9)  # 2**32 divided by the golden ratio
AdamW, affine = keras.optimizers.AdamW, xla.affine
COMPILE = "auto"  # `jit_compile` of models: JAX is slow without


def sigmoid_gradient(gradient, y):
    """The gradient of x from that of y = sigmoid(x)."""
    return gradient * y * (1 - y)


def tanh_gradient(gradient, y):
    """The gradient of x from that of y = tanh(x)."""
    return gradient * (1 - y * y)


def seed(number):
    """Seed JAX's global random state: there is none."""


def random_state():
    """Global random state as {name: array}: JAX has none, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays."""
    return stream()


def scan(step, state, inputs, reverse=False):
    """Run `state, outputs = step(state, slices)` along axis 0 of the `inputs`: the last state and stacked outputs."""
    return jax.lax.scan(step, state, inputs, reverse=reverse)


def differentiable(forward, backward):
    """A function with a gradient of its own: `outputs, kept = forward(*arrays)`, `backward(kept, gradients)`."""
    run = jax.custom_vjp(lambda *arrays: forward(*arrays)[0])
    run.defvjp(forward, backward)
    return jax.jit(run)  # compiled once where it is called outside a compiled model, instead of at every call


def attend(q_BTHD, k_BSKD, v_BSKD, padding_mask=None, causal=False, dropout=0.0, seed=None, bias_BHTS=None):
    """Attention: (batch, time, heads, width) means of the values, weighted by softmax(q k / sqrt(width)).

    Fused on accelerators, unless weights are dropped. On a CPU heads come first and division last: two thirds of the
    time of `jax.nn.dot_product_attention`.

    Args:
        k_BSKD, v_BSKD: of a source as long as S; groups of H / K heads share one of its K heads.
        visible: booleans, (batch, source time) or (batch, time, source time); None: everything is visible.
        causal: whether a query sees no later place than its own.
        dropout: of the weights; `seed` is the `keras.random.SeedGenerator` it draws from.
        bias_BHTS: what is added to the products of queries and keys, broadcast over B.
    """
    if jax.default_backend() != "cpu" and dropout == 0:
        mask = None if padding_mask is None else _over_heads(padding_mask)
        return keras.ops.dot_product_attention(q_BTHD, k_BSKD, v_BSKD, bias_BHTS, mask, is_causal=causal)
    groups, scale = q_BTHD.shape[2] // k_BSKD.shape[2], q_BTHD.shape[3] ** -0.5
    q_BHTD = jnp.transpose(q_BTHD * scale, (0, 2, 1, 3))
    k_BHSD = jnp.repeat(jnp.transpose(k_BSKD, (0, 2, 1, 3)), groups, axis=1)
    v_BHSD = jnp.repeat(jnp.transpose(v_BSKD, (0, 2, 1, 3)), groups, axis=1)
    score_BHTS = jnp.matmul(q_BHTD, jnp.swapaxes(k_BHSD, 2, 3), preferred_element_type="float32")
    score_BHTS = _hide(score_BHTS if bias_BHTS is None else score_BHTS + bias_BHTS, padding_mask, causal)
    weight_BHTS = jnp.exp(score_BHTS - jax.lax.stop_gradient(score_BHTS.max(-1, keepdims=True)))
    total_BHT1 = weight_BHTS.sum(-1, keepdims=True)
    if dropout > 0:
        weight_BHTS = leave_out(weight_BHTS, dropout, seed)
    y_BHTD = jnp.matmul(weight_BHTS.astype(v_BHSD.dtype), v_BHSD, preferred_element_type="float32") / total_BHT1
    return jnp.transpose(y_BHTD.astype(q_BTHD.dtype), (0, 2, 1, 3))


def _over_heads(padding_mask):
    return padding_mask[:, None, None] if padding_mask.ndim == 2 else padding_mask[:, None]


def _hide(score_BHTS, padding_mask, causal):
    """-1e9 where nothing may be seen: finite, so that a query which sees nothing gets the mean of all values."""
    if padding_mask is not None:
        score_BHTS = jnp.where(_over_heads(padding_mask), score_BHTS, -1e9)
    if causal:
        score_BHTS = jnp.where(jnp.tri(*score_BHTS.shape[-2:], dtype=bool), score_BHTS, -1e9)
    return score_BHTS


def convolve(x_BTM, kernel_KMF, padding, dilation):
    """(batch, time, filters): a convolution over time; `padding` is "same" or "valid"."""
    return keras.ops.conv(x_BTM, kernel_KMF, 1, padding, "channels_last", dilation)


def leave_out(x, rate, seed, shape=None):
    """`x` with numbers left out with probability `rate` and the others made larger, so that the mean stays.

    JAX's own generators are slow on a CPU (100 ms for 5 million numbers; this takes 2), so numbers are counted and
    hashed: a 32-bit SplitMix, a Weyl sequence (Steele et al. 2014, https://doi.org/10.1145/2660193.2660195) through the
    finalizer of MurmurHash3 (https://github.com/aappleby/smhasher), started by JAX's own generator.

    Args:
        seed: the `keras.random.SeedGenerator` that is drawn from.
        shape: of what is decided on, broadcast to the shape of `x`; None in it, or None at all: as long as `x`.
    """
    shape = tuple(own or size for own, size in zip(shape or x.shape, x.shape, strict=True))
    start, salt = jax.random.bits(seed.next(), (2,), "uint32")
    count = jax.lax.iota("uint32", math.prod(shape)).reshape(shape)
    kept = _mix(count * WEYL + start) ^ salt >= np.uint32(rate * 2**32)
    return jnp.where(kept, x / (1 - rate), 0).astype(x.dtype)


def _mix(x):
    x = (x ^ x >> 16) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> 13) * np.uint32(0xC2B2AE35)
    return x ^ x >> 16


def largest(x_BTM, padding_mask):
    """(batch, width): the largest numbers of each text, lowest of all where nothing is visible.

    By choices between halves. The gradient of JAX's own maximum goes where a number equals it, and XLA may compute the
    number once for the maximum and once more, rounded otherwise, for the comparison: it went nowhere, or was 0 / 0.
    """
    x_BTM = jnp.where(padding_mask[:, :, None], x_BTM, float("-inf"))
    while x_BTM.shape[1] > 1:
        half = x_BTM.shape[1] // 2
        left, right, odd = x_BTM[:, :half], x_BTM[:, half : 2 * half], x_BTM[:, 2 * half :]
        x_BTM = jnp.concatenate([jnp.where(left >= right, left, right), odd], axis=1)
    return x_BTM[:, 0]


def fused_recurrence(kind, x_TBM, padding_mask, reverse, weights):
    """None: JAX has cuDNN for LSTM alone, as an experiment, and the scan is compiled as a whole."""


def cross_entropy(logits, targets, smoothing=0.0):
    """The loss of each target in nats: (...,) of (..., classes) logits and (...,) integer classes.

    With `smoothing` s the target has 1 - s of the weight and all classes share s: Szegedy 2016, arXiv:1512.00567,
    section 7.
    """
    logits = logits.astype("float32")
    total = jax.nn.logsumexp(logits, axis=-1)
    loss = total - jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return loss if not smoothing else (1 - smoothing) * loss + smoothing * (total - logits.mean(-1))


def occurrences(values):
    """How often each element of a 1-D array stands in it: integers of the same shape."""
    ordered = jnp.sort(values)
    return jnp.searchsorted(ordered, values, side="right") - jnp.searchsorted(ordered, values, side="left")


def write(memory_BKSD, x_BKTD, places):
    """(batch, heads, length, width) keys or values put into `places`, integers that count up."""
    return jax.lax.dynamic_update_slice_in_dim(memory_BKSD, x_BKTD.astype(memory_BKSD.dtype), places[0], axis=2)


def recall(q_BTHD, k_BKSD, v_BKSD, visible_BTS=None, bias_BHTS=None):
    """Attention of a few tokens to remembered keys and values, heads first: (batch, time, heads, width).

    Args:
        visible_BTS: booleans, broadcast over T; None: everything is visible.
        bias_BHTS: what is added to the scores, broadcast over B.
    """
    (batch, time, heads, width), shared = q_BTHD.shape, k_BKSD.shape[1]
    q_BHTD = jnp.swapaxes(q_BTHD * width**-0.5, 1, 2)
    q_BKGD = jnp.reshape(q_BHTD, (batch, shared, heads // shared * time, width))  # queries that share keys side by side
    score_BKGS = jnp.matmul(q_BKGD, jnp.swapaxes(k_BKSD, 2, 3), preferred_element_type="float32")
    score_BHTS = jnp.reshape(score_BKGS, (batch, heads, time, -1))
    score_BHTS = score_BHTS if bias_BHTS is None else score_BHTS + bias_BHTS
    score_BHTS = score_BHTS if visible_BTS is None else jnp.where(visible_BTS[:, None], score_BHTS, -1e9)
    weight_BKGS = jnp.reshape(jax.nn.softmax(score_BHTS), score_BKGS.shape).astype(v_BKSD.dtype)
    y_BHTD = jnp.reshape(jnp.matmul(weight_BKGS, v_BKSD), (batch, heads, time, width))
    return jnp.swapaxes(y_BHTD, 1, 2)


def compiled(function, variables, note=None, used_up=True):
    """`function`, of arrays in any structure, compiled once for their shapes; it may use the Keras `variables`.

    Where the first argument is `used_up`, what it holds may be written over. `note()` is called whenever it compiles.
    """

    def stateless(first, values, *rest):
        if note:
            note()
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            return function(first, *rest)

    run = jax.jit(stateless, donate_argnums=0 if used_up else ())
    return lambda first, *rest: run(first, [variable.value for variable in variables], *rest)


def captured(function, note=None):
    """`function` as it is: `compiled` compiles what it is called in."""
    return function


def product(x_RI, matrix_OI, scale_O):
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 whose rows have a scale.

    On a CPU that is slower than float32: one row of a GPT-2 in int8 comes to 17 tokens/s, in bfloat16 to 4, where
    float32 writes 19 (one core).
    """
    y_RO = jnp.matmul(x_RI.astype("bfloat16"), matrix_OI.astype("bfloat16").T, preferred_element_type="float32")
    return (y_RO if scale_O is None else y_RO * scale_O).astype(x_RI.dtype)


def repeat(condition, body, state):
    """`state = body(state)` while `condition(state)`; state is arrays, in any structure, whose shapes stay."""
    return jax.lax.while_loop(condition, body, state)


def marked(ids, where, size):
    """(batch, size) booleans: which numbers are among (batch, some) `ids`, those `where` (batch, some) it is True."""
    return jnp.zeros((len(ids), size), bool).at[jnp.arange(len(ids))[:, None], ids].max(where)


def most(counts, limit):
    """The largest of an array of counts where a shape may depend on it, at least 1; on JAX the `limit` to them."""
    return limit
