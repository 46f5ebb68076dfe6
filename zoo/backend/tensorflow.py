"""What the zoo asks of TensorFlow beyond `keras.ops`."""

from functools import partial

import keras
import tensorflow as tf

from zoo.backend import tensorflow_optimizer, xla

sigmoid, tanh, transpose, concatenate = tf.sigmoid, tf.tanh, tf.transpose, partial(tf.concat, axis=-1)

AdamW, affine = tensorflow_optimizer.AdamW, xla.affine
COMPILE = (
    False  # `jit_compile` of models: XLA on a CPU draws dropout slowly: a TextCNN step took 366 ms with it, 61 without
)


def sigmoid_gradient(gradient, y):
    """The gradient of x from that of y = sigmoid(x)."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=gradient)


def tanh_gradient(gradient, y):
    """The gradient of x from that of y = tanh(x)."""
    return tf.raw_ops.TanhGrad(y=y, dy=gradient)


def split(array, parts):
    """An array cut into equal parts along its last axis."""
    return tf.split(array, parts, axis=-1)


def seed(number):
    """Seed TensorFlow's global generator."""
    tf.random.set_seed(number)


def random_state():
    """Global random state as {name: array}: Keras draws statelessly, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays.

    Args:
        signature: one such item; Keras would take the first two batches' lengths for everlasting, so every axis is
            declared free here, but the last of three: the width of features, which layers must know.
    """

    def free(array):
        return tf.TensorSpec([None, None, *array.shape[2:]] if array.ndim > 2 else [None] * array.ndim, array.dtype)

    spec = tf.nest.map_structure(free, signature)
    return tf.data.Dataset.from_generator(stream, output_signature=spec).prefetch(2)


def scan(step, state, inputs, reverse=False):
    """Run `state, outputs = step(state, slices)` along axis 0 of the `inputs`: the last state and stacked outputs."""
    length = tf.shape(inputs[0])[0]

    def body(done, state, stacks):
        at = length - 1 - done if reverse else done
        state, outputs = step(state, tuple(array[at] for array in inputs))
        return done + 1, state, tuple(stack.write(at, out) for stack, out in zip(stacks, outputs, strict=True))

    _, first = step(state, tuple(array[0] for array in inputs))  # for its shapes; a graph drops it
    stacks = tuple(tf.TensorArray(array.dtype, length, element_shape=array.shape) for array in first)
    _, state, stacks = tf.while_loop(lambda done, *_: done < length, body, (0, state, stacks))
    return state, tuple(stack.stack() for stack in stacks)


def differentiable(forward, backward):
    """A function with a gradient of its own: `outputs, kept = forward(*arrays)`, `backward(kept, gradients)`."""

    @tf.custom_gradient
    def run(*arrays):
        outputs, kept = forward(*arrays)
        return outputs, lambda *gradients: backward(kept, gradients)

    return lambda *arrays: run(*map(tf.convert_to_tensor, arrays))  # it would not take variables


def attend(q_BTHD, k_BSKD, v_BSKD, padding_mask=None, causal=False, dropout=0.0, seed=None, bias_BHTS=None):
    """Attention: (batch, time, heads, width) means of the values, weighted by softmax(q k / sqrt(width)).

    Heads come first and what is hidden is subtracted: on a CPU half the time of `keras.ops.dot_product_attention`.

    Args:
        k_BSKD, v_BSKD: of a source as long as S; groups of H / K heads share one of its K heads.
        visible: booleans, (batch, source time) or (batch, time, source time); None: everything is visible.
        causal: whether a query sees no later place than its own.
        dropout: of the weights; `seed` is the `keras.random.SeedGenerator` it draws from.
        bias_BHTS: what is added to the products of queries and keys, broadcast over B.
    """
    groups, scale = q_BTHD.shape[2] // k_BSKD.shape[2], q_BTHD.shape[3] ** -0.5
    q_BHTD, k_BHSD, v_BHSD = (
        tf.transpose(x, (0, 2, 1, 3)) for x in (q_BTHD * scale, _repeat(k_BSKD, groups), _repeat(v_BSKD, groups))
    )
    score_BHTS = tf.cast(tf.matmul(q_BHTD, k_BHSD, transpose_b=True), "float32")
    score_BHTS = score_BHTS if bias_BHTS is None else score_BHTS + tf.cast(bias_BHTS, "float32")
    weight_BHTS = tf.cast(tf.nn.softmax(_hide(score_BHTS, padding_mask, causal)), v_BHSD.dtype)
    if dropout > 0:
        weight_BHTS = leave_out(weight_BHTS, dropout, seed)
    return tf.transpose(tf.matmul(weight_BHTS, v_BHSD), (0, 2, 1, 3))


def _repeat(x_BSKD, groups):
    return tf.repeat(x_BSKD, groups, axis=2) if groups > 1 else x_BSKD


def _hide(score_BHTS, padding_mask, causal):
    """Less 1e9 where nothing may be seen: finite, so that a query which sees nothing gets a mean of all values."""
    if padding_mask is not None:
        hidden = tf.where(padding_mask, 0.0, -1e9)
        score_BHTS += hidden[:, None, None] if padding_mask.shape.rank == 2 else hidden[:, None]
    if causal:
        places = tf.shape(score_BHTS)[2:]
        score_BHTS += tf.where(tf.linalg.band_part(tf.ones(places, "bool"), -1, 0), 0.0, -1e9)
    return score_BHTS


def convolve(x_BTM, kernel_KMF, padding, dilation):
    """(batch, time, filters): a convolution over time; `padding` is "same" or "valid"."""
    return keras.ops.conv(x_BTM, kernel_KMF, 1, padding, "channels_last", dilation)


def leave_out(x, rate, seed, shape=None):
    """`x` with numbers left out with probability `rate` and the others made larger, so that the mean stays.

    Two numbers of 16 bits come from each that TensorFlow draws: half the time of `keras.random.dropout`. So rates are
    rounded to 1 / 65536.

    Args:
        seed: the `keras.random.SeedGenerator` that is drawn from.
        shape: of what is decided on, broadcast to the shape of `x`; None in it, or None at all: as long as `x`.
    """
    sizes = tf.shape(x)
    sizes = tf.stack([sizes[i] if own is None else own for i, own in enumerate(shape or [None] * x.shape.rank)])
    size, bound = tf.reduce_prod(sizes), round(rate * 2**16)
    drawn = tf.random.stateless_uniform([(size + 1) // 2], tf.cast(seed.next(), "int32"), None, None, "int32")
    drawn = tf.reshape(tf.reshape(tf.bitcast(drawn, "int16"), [-1])[:size], sizes)
    return x * (tf.cast(drawn >= bound - 2**15, x.dtype) / (1 - bound / 2**16))


def largest(x_BTM, padding_mask):
    """(batch, width): the largest numbers of each text, lowest of all where nothing is visible.

    By a sum: with its gradient it is quicker than a choice.
    """
    hidden_BT = tf.cast(tf.where(padding_mask, 0.0, float("-inf")), x_BTM.dtype)
    return tf.reduce_max(x_BTM + hidden_BT[:, :, None], axis=1)


def fused_recurrence(kind, x_TBM, padding_mask, reverse, weights):
    """None: a graph with cuDNN's operation in it could not be served without a GPU."""


def cross_entropy(logits, targets, smoothing=0.0):
    """The loss of each target in nats: (...,) of (..., classes) logits and (...,) integer classes.

    With `smoothing` s the target has 1 - s of the weight and all classes share s: Szegedy 2016, arXiv:1512.00567,
    section 7.
    """
    logits = tf.cast(logits, "float32")
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    if not smoothing:
        return loss
    even = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
    return (1 - smoothing) * loss + smoothing * even


def occurrences(values):
    """How often each element of a 1-D array stands in it: integers of the same shape."""
    _, place, count = tf.unique_with_counts(values)
    return tf.gather(count, place)


def write(memory_BKSD, x_BKTD, places):
    """(batch, heads, length, width) keys or values put into `places`, integers that count up.

    A scatter and not `keras.ops.slice_update`, which is an operation of XLA that a stock server does not run.
    """
    shape = tf.shape(x_BKTD)
    where = tf.meshgrid(tf.range(shape[0]), tf.range(shape[1]), places, indexing="ij")
    return tf.tensor_scatter_nd_update(memory_BKSD, tf.stack(where, axis=-1), tf.cast(x_BKTD, memory_BKSD.dtype))


def recall(q_BTHD, k_BKSD, v_BKSD, visible_BTS=None, bias_BHTS=None):
    """Attention of a few tokens to remembered keys and values, heads first: (batch, time, heads, width).

    Args:
        visible_BTS: booleans, broadcast over T; None: everything is visible.
        bias_BHTS: what is added to the scores, broadcast over B.
    """
    (_, _, heads, width), shared = q_BTHD.shape, k_BKSD.shape[1]
    batch, time, length = tf.shape(q_BTHD)[0], tf.shape(q_BTHD)[1], tf.shape(k_BKSD)[2]
    q_BHTD = tf.transpose(q_BTHD * width**-0.5, (0, 2, 1, 3))
    q_BKGD = tf.reshape(q_BHTD, (batch, shared, heads // shared * time, width))  # queries that share keys side by side
    score_BHTS = tf.reshape(tf.matmul(q_BKGD, k_BKSD, transpose_b=True), (batch, heads, time, length))
    score_BHTS = tf.cast(score_BHTS, "float32") + (0.0 if bias_BHTS is None else bias_BHTS)
    score_BHTS = score_BHTS if visible_BTS is None else tf.where(visible_BTS[:, None], score_BHTS, -1e9)
    weight_BHTS = tf.nn.softmax(score_BHTS)
    weight_BKGS = tf.reshape(tf.cast(weight_BHTS, v_BKSD.dtype), (batch, shared, heads // shared * time, length))
    y_BHTD = tf.reshape(tf.matmul(weight_BKGS, v_BKSD), (batch, heads, time, width))
    return tf.transpose(y_BHTD, (0, 2, 1, 3))


def compiled(function, variables, note=None, used_up=True):
    """`function`, of arrays in any structure, compiled once for their shapes; it may use the Keras `variables`.

    Where the first argument is `used_up`, what it holds may be written over. `note()` is called whenever it compiles.
    """

    def traced(*arguments):
        if note:
            note()
        return function(*arguments)

    return tf.function(traced, autograph=False)


def captured(function, note=None):
    """`function` as it is: `compiled` compiles what it is called in."""
    return function


def product(x_RI, matrix_OI, scale_O):
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 whose rows have a scale."""
    y_RO = tf.matmul(tf.cast(x_RI, "bfloat16"), tf.cast(matrix_OI, "bfloat16"), transpose_b=True)
    y_RO = tf.cast(y_RO, x_RI.dtype)
    return y_RO if scale_O is None else y_RO * tf.cast(scale_O, x_RI.dtype)


def repeat(condition, body, state):
    """`state = body(state)` while `condition(state)`; state is arrays, in any structure, whose shapes stay."""
    return tf.while_loop(condition, lambda state: (body(state),), (state,))[0]


def marked(ids, where, size):
    """(batch, size) booleans: which numbers are among (batch, some) `ids`, those `where` (batch, some) it is True."""
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids))
    return tf.scatter_nd(tf.stack([rows, ids], axis=-1), tf.cast(where, "int32"), (tf.shape(ids)[0], size)) > 0


def most(counts, limit):
    """The largest of an array of counts where a shape may depend on it, at least 1; on JAX the `limit` to them."""
    return tf.maximum(tf.reduce_max(counts), 1)
