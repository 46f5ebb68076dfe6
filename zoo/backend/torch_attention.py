"""Attention on PyTorch: over a whole text, and over a KV cache."""

import keras
import torch
from torch import Tensor

from zoo.backend.torch_capture import is_tracing


def attention(
    q_BTHD: Tensor,
    k_BSKD: Tensor,
    v_BSKD: Tensor,
    mask: Tensor | None = None,
    causal: bool = False,
    dropout_rate: float = 0.0,
    seed: keras.random.SeedGenerator | None = None,
    bias_BHTS: Tensor | None = None,
) -> Tensor:
    """Scaled dot-product attention, as in `zoo/backend/jax_attention.py`, by torch's fused kernels."""
    mask = _attention_mask(mask, causal, q_BTHD.shape[1])
    if bias_BHTS is not None:
        mask = _biased(bias_BHTS.to(q_BTHD.dtype), mask, causal)
    y_BHTD = torch.nn.functional.scaled_dot_product_attention(
        *(x.transpose(1, 2) for x in (q_BTHD, k_BSKD, v_BSKD)),
        attn_mask=mask,
        dropout_p=dropout_rate,
        is_causal=causal and mask is None,
        enable_gqa=q_BTHD.shape[2] != k_BSKD.shape[2],
    )
    return y_BHTD.transpose(1, 2)


def _attention_mask(mask, causal, time):
    """None where all keys are visible, which is faster; not checked on accelerators, where that synchronises."""
    if mask is None or (mask.device.type == "cpu" and not is_tracing() and mask.all()):
        return None
    mask_BHTS = mask[:, None, None] if mask.ndim == 2 else mask[:, None]
    if not causal:
        return mask_BHTS
    return mask_BHTS & torch.ones(time, mask.shape[-1], dtype=torch.bool, device=mask.device).tril()


def _biased(bias_BHTS, mask_BHTS, causal):
    if causal and mask_BHTS is None:
        mask_BHTS = torch.ones(bias_BHTS.shape[2:], dtype=torch.bool, device=bias_BHTS.device).tril()
    lowest = torch.finfo(bias_BHTS.dtype).min
    return bias_BHTS if mask_BHTS is None else torch.where(mask_BHTS, bias_BHTS, lowest)


def update_cache(cache_BKSD: Tensor, x_BKTD: Tensor, slots_T: Tensor) -> Tensor:
    """Update a KV cache with keys or values at `slots_T`, in place."""
    if slots_T.ndim == 2:
        rows, x_BTKD = torch.arange(len(slots_T), device=slots_T.device)[:, None], x_BKTD.transpose(1, 2)
        cache_BKSD[rows, :, slots_T.long()] = x_BTKD.to(cache_BKSD.dtype)
        return cache_BKSD
    return cache_BKSD.index_copy_(2, slots_T.long(), x_BKTD.to(cache_BKSD.dtype))


def cached_attention(
    q_BTHD: Tensor, k_BKSD: Tensor, v_BKSD: Tensor, mask_BTS: Tensor | None = None, bias_BHTS: Tensor | None = None
) -> Tensor:
    """Cached attention: of a few new tokens to a KV cache, as in `zoo/backend/jax_attention.py`.

    For 8 or 32 rows two products take two thirds of the time of `scaled_dot_product_attention` (one core).
    """
    (batch, time, heads, width), (_, kv_heads, length, _) = q_BTHD.shape, k_BKSD.shape
    q_PGD = (q_BTHD * width**-0.5).transpose(1, 2).reshape(batch * kv_heads, -1, width)  # P pairs of text and kv head
    score_BHTS = torch.bmm(q_PGD, k_BKSD.flatten(0, 1).transpose(1, 2)).view(batch, heads, time, length)
    if bias_BHTS is not None:
        score_BHTS = score_BHTS + bias_BHTS.to(score_BHTS.dtype)
    if mask_BTS is not None:
        score_BHTS = score_BHTS.masked_fill(~mask_BTS[:, None], torch.finfo(score_BHTS.dtype).min)
    weight_PGS = torch.softmax(score_BHTS, -1).view(batch * kv_heads, -1, length)
    y_BHTD = torch.bmm(weight_PGS, v_BKSD.flatten(0, 1)).view(batch, heads, time, width)
    return y_BHTD.transpose(1, 2)
