"""Attention on JAX: over a whole text, and over a KV cache."""

import warnings
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import keras
from jax import Array

from zoo.backend.jax_dropout import drop, start_bits

NEG_INF = -1e9  # score of a masked key: finite, so that a query without a visible key gets the mean of all values


def attention(
    q_BTHD: Array,
    k_BSKD: Array,
    v_BSKD: Array,
    mask: Array | None = None,
    causal: bool = False,
    dropout_rate: float = 0.0,
    seed: keras.random.SeedGenerator | None = None,
    bias_BHTS: Array | None = None,
) -> Array:
    """Scaled dot-product attention: softmax(q k / sqrt(width)) v, (batch, time, heads, width).

    Fused on GPUs: without dropout by cuDNN's kernel, with dropout by that of `zoo/backend/jax_flash.py`. On a CPU heads
    come first and division last: two thirds of the time of `jax.nn.dot_product_attention`.

    Args:
        k_BSKD, v_BSKD: keys and values of a source of length S; groups of H / K heads share one of its K heads.
        mask: booleans, True at visible keys: (batch, source time) or (batch, time, source time); None: all visible.
        causal: whether a query sees no key after its own position.
        dropout_rate: of the attention weights, with random numbers from `seed`.
        bias_BHTS: added to the scaled scores, broadcast over B.
    """
    if dropout_rate == 0 and jax.default_backend() != "cpu":
        mask = None if mask is None else _over_heads(mask)
        return keras.ops.dot_product_attention(q_BTHD, k_BSKD, v_BSKD, bias_BHTS, mask, is_causal=causal)
    bits_2 = start_bits(seed) if dropout_rate else None
    flash = _flash(q_BTHD.shape[3], q_BTHD.dtype) if dropout_rate and bias_BHTS is None else None
    if flash:
        return flash(q_BTHD, k_BSKD, v_BSKD, mask, causal, dropout_rate, bits_2)
    return plain_attention(q_BTHD, k_BSKD, v_BSKD, mask, causal, dropout_rate, bits_2, bias_BHTS)


def _flash(width, dtype):
    """The fused kernel with dropout for heads of this width; None where the device has none, or there are several."""
    half = dtype in ("bfloat16", "float16")
    if jax.default_backend() != "gpu" or not half or width > 128 or keras.distribution.distribution():
        return None
    return checked_flash(width, str(dtype))


@cache
def checked_flash(width: int, dtype: str) -> Callable | None:
    """`flash_attention`, if it compiles for heads of this width and agrees with `plain_attention`; else None."""
    try:
        from zoo.backend.jax_flash import disagreement, flash_attention  # slow to import

        error = disagreement(plain_attention, width, dtype)
    except (ImportError, AttributeError, TypeError, ValueError, RuntimeError) as reason:
        error = str(reason)[:300]
    if error:
        warnings.warn(f"Attention with dropout is not fused on this device: {error}", stacklevel=2)
    return None if error else flash_attention


def plain_attention(
    q_BTHD: Array,
    k_BSKD: Array,
    v_BSKD: Array,
    mask: Array | None,
    causal: bool,
    dropout_rate: float,
    bits_2: Array | None = None,
    bias_BHTS: Array | None = None,
) -> Array:
    """Attention as `attention`, with all weights in one array, (batch, heads, time, source time).

    Args:
        bits_2: two uint32 numbers from `start_bits`, needed for dropout.
    """
    groups, scale = q_BTHD.shape[2] // k_BSKD.shape[2], q_BTHD.shape[3] ** -0.5
    q_BHTD = jnp.transpose(q_BTHD * scale, (0, 2, 1, 3))
    k_BHSD = jnp.repeat(jnp.transpose(k_BSKD, (0, 2, 1, 3)), groups, axis=1)
    v_BHSD = jnp.repeat(jnp.transpose(v_BSKD, (0, 2, 1, 3)), groups, axis=1)
    score_BHTS = jnp.matmul(q_BHTD, jnp.swapaxes(k_BHSD, 2, 3), preferred_element_type="float32")
    score_BHTS = _masked(score_BHTS if bias_BHTS is None else score_BHTS + bias_BHTS, mask, causal)
    weight_BHTS = jnp.exp(score_BHTS - jax.lax.stop_gradient(score_BHTS.max(-1, keepdims=True)))
    total_BHT1 = weight_BHTS.sum(-1, keepdims=True)
    if bits_2 is not None:
        weight_BHTS = drop(weight_BHTS, dropout_rate, bits_2)
    y_BHTD = jnp.matmul(weight_BHTS.astype(v_BHSD.dtype), v_BHSD, preferred_element_type="float32") / total_BHT1
    return jnp.transpose(y_BHTD.astype(q_BTHD.dtype), (0, 2, 1, 3))


def _over_heads(mask):
    return mask[:, None, None] if mask.ndim == 2 else mask[:, None]


def _masked(score_BHTS, mask, causal):
    if mask is not None:
        score_BHTS = jnp.where(_over_heads(mask), score_BHTS, NEG_INF)
    if causal:
        score_BHTS = jnp.where(jnp.tri(*score_BHTS.shape[-2:], dtype=bool), score_BHTS, NEG_INF)
    return score_BHTS


def update_cache(cache_BKSD: Array, x_BKTD: Array, slots_T: Array) -> Array:
    """Update a KV cache, (batch, kv heads, length, width), with keys or values at `slots_T`, consecutive integers.

    The slots may differ from row to row: (batch, time).
    """
    if slots_T.ndim == 2:
        rows, x_BTKD = jnp.arange(len(slots_T))[:, None], jnp.swapaxes(x_BKTD, 1, 2)
        return cache_BKSD.at[rows, :, slots_T].set(x_BTKD.astype(cache_BKSD.dtype))
    return jax.lax.dynamic_update_slice_in_dim(cache_BKSD, x_BKTD.astype(cache_BKSD.dtype), slots_T[0], axis=2)


def cached_attention(
    q_BTHD: Array, k_BKSD: Array, v_BKSD: Array, mask_BTS: Array | None = None, bias_BHTS: Array | None = None
) -> Array:
    """Cached attention of a few new tokens: (batch, time, heads, width).

    Args:
        k_BKSD, v_BKSD: the KV cache, heads first.
        mask_BTS: booleans, True at visible slots, broadcast over T; None: all visible.
        bias_BHTS: added to the scaled scores, broadcast over B.
    """
    (batch, time, heads, width), kv_heads = q_BTHD.shape, k_BKSD.shape[1]
    q_BHTD = jnp.swapaxes(q_BTHD * width**-0.5, 1, 2)
    q_BKGD = jnp.reshape(q_BHTD, (batch, kv_heads, heads // kv_heads * time, width))  # queries grouped by kv head
    score_BKGS = jnp.matmul(q_BKGD, jnp.swapaxes(k_BKSD, 2, 3), preferred_element_type="float32")
    score_BHTS = jnp.reshape(score_BKGS, (batch, heads, time, -1))
    score_BHTS = score_BHTS if bias_BHTS is None else score_BHTS + bias_BHTS
    score_BHTS = score_BHTS if mask_BTS is None else jnp.where(mask_BTS[:, None], score_BHTS, NEG_INF)
    weight_BKGS = jnp.reshape(jax.nn.softmax(score_BHTS), score_BKGS.shape).astype(v_BKSD.dtype)
    y_BHTD = jnp.reshape(jnp.matmul(weight_BKGS, v_BKSD), (batch, heads, time, width))
    return jnp.swapaxes(y_BHTD, 1, 2)
