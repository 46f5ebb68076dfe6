"""Attention on TensorFlow: over a whole text, and over a KV cache."""

import keras
import tensorflow as tf

from zoo.backend.tensorflow_dropout import dropout

NEG_INF = -1e9  # added to a masked score: finite, so that a query without a visible key gets a mean of all values


def attention(
    q_BTHD: tf.Tensor,
    k_BSKD: tf.Tensor,
    v_BSKD: tf.Tensor,
    mask: tf.Tensor | None = None,
    causal: bool = False,
    dropout_rate: float = 0.0,
    seed: keras.random.SeedGenerator | None = None,
    bias_BHTS: tf.Tensor | None = None,
) -> tf.Tensor:
    """Scaled dot-product attention, as in `zoo/backend/jax_attention.py`.

    Heads come first and the mask is added: on a CPU half the time of `keras.ops.dot_product_attention`.
    """
    groups, scale = q_BTHD.shape[2] // k_BSKD.shape[2], q_BTHD.shape[3] ** -0.5
    q_BHTD, k_BHSD, v_BHSD = (
        tf.transpose(x, (0, 2, 1, 3)) for x in (q_BTHD * scale, _repeat(k_BSKD, groups), _repeat(v_BSKD, groups))
    )
    score_BHTS = tf.cast(tf.matmul(q_BHTD, k_BHSD, transpose_b=True), "float32")
    score_BHTS = score_BHTS if bias_BHTS is None else score_BHTS + tf.cast(bias_BHTS, "float32")
    weight_BHTS = tf.cast(tf.nn.softmax(_masked(score_BHTS, mask, causal)), v_BHSD.dtype)
    if dropout_rate > 0:
        weight_BHTS = dropout(weight_BHTS, dropout_rate, seed)
    return tf.transpose(tf.matmul(weight_BHTS, v_BHSD), (0, 2, 1, 3))


def _repeat(x_BSKD, groups):
    return tf.repeat(x_BSKD, groups, axis=2) if groups > 1 else x_BSKD


def _masked(score_BHTS, mask, causal):
    if mask is not None:
        bias = tf.where(mask, 0.0, NEG_INF)
        score_BHTS += bias[:, None, None] if mask.shape.rank == 2 else bias[:, None]
    if causal:
        triangle_TS = tf.linalg.band_part(tf.ones(tf.shape(score_BHTS)[2:], "bool"), -1, 0)
        score_BHTS += tf.where(triangle_TS, 0.0, NEG_INF)
    return score_BHTS


def update_cache(cache_BKSD: tf.Tensor, x_BKTD: tf.Tensor, slots_T: tf.Tensor) -> tf.Tensor:
    """Update a KV cache with keys or values at `slots_T`, as in `zoo/backend/jax_attention.py`.

    A scatter and not `keras.ops.slice_update`, which is an operation of XLA that a stock server does not run.
    """
    shape = tf.shape(x_BKTD)
    if slots_T.shape.rank == 2:
        rows, heads, _ = tf.meshgrid(tf.range(shape[0]), tf.range(shape[1]), tf.range(shape[2]), indexing="ij")
        indices = [rows, heads, tf.broadcast_to(slots_T[:, None], shape[:3])]
    else:
        indices = tf.meshgrid(tf.range(shape[0]), tf.range(shape[1]), slots_T, indexing="ij")
    return tf.tensor_scatter_nd_update(cache_BKSD, tf.stack(indices, axis=-1), tf.cast(x_BKTD, cache_BKSD.dtype))


def cached_attention(
    q_BTHD: tf.Tensor,
    k_BKSD: tf.Tensor,
    v_BKSD: tf.Tensor,
    mask_BTS: tf.Tensor | None = None,
    bias_BHTS: tf.Tensor | None = None,
) -> tf.Tensor:
    """Cached attention: of a few new tokens to a KV cache, as in `zoo/backend/jax_attention.py`."""
    (_, _, heads, width), kv_heads = q_BTHD.shape, k_BKSD.shape[1]
    batch, time, length = tf.shape(q_BTHD)[0], tf.shape(q_BTHD)[1], tf.shape(k_BKSD)[2]
    q_BHTD = tf.transpose(q_BTHD * width**-0.5, (0, 2, 1, 3))
    q_BKGD = tf.reshape(q_BHTD, (batch, kv_heads, heads // kv_heads * time, width))  # queries grouped by kv head
    score_BHTS = tf.reshape(tf.matmul(q_BKGD, k_BKSD, transpose_b=True), (batch, heads, time, length))
    score_BHTS = tf.cast(score_BHTS, "float32") + (0.0 if bias_BHTS is None else bias_BHTS)
    score_BHTS = score_BHTS if mask_BTS is None else tf.where(mask_BTS[:, None], score_BHTS, NEG_INF)
    weight_BHTS = tf.nn.softmax(score_BHTS)
    weight_BKGS = tf.reshape(tf.cast(weight_BHTS, v_BKSD.dtype), (batch, kv_heads, heads // kv_heads * time, length))
    y_BHTD = tf.reshape(tf.matmul(weight_BKGS, v_BKSD), (batch, heads, time, width))
    return tf.transpose(y_BHTD, (0, 2, 1, 3))
