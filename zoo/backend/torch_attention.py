"""Attention on PyTorch, to a whole text and to what is remembered of one."""

import torch


def attend(q_BTHD, k_BSKD, v_BSKD, padding_mask=None, causal=False, dropout=0.0, seed=None, bias_BHTS=None):
    """Attention: (batch, time, heads, width) means of the values, weighted by softmax(q k / sqrt(width)).

    Args:
        k_BSKD, v_BSKD: of a source as long as S; groups of H / K heads share one of its K heads.
        visible: booleans, (batch, source time) or (batch, time, source time); None: everything is visible.
        causal: whether a query sees no later place than its own.
        dropout: of the weights; `seed` is the `keras.random.SeedGenerator` it draws from.
        bias_BHTS: what is added to the products of queries and keys, broadcast over B.
    """
    mask = _mask(padding_mask, causal, q_BTHD.shape[1])
    if bias_BHTS is not None:
        mask = _biased(bias_BHTS.to(q_BTHD.dtype), mask, causal)
    y_BHTD = torch.nn.functional.scaled_dot_product_attention(
        *(x.transpose(1, 2) for x in (q_BTHD, k_BSKD, v_BSKD)),
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=causal and mask is None,
        enable_gqa=q_BTHD.shape[2] != k_BSKD.shape[2],
    )
    return y_BHTD.transpose(1, 2)


def _mask(padding_mask, causal, time):
    """None where nothing is hidden but by `causal`: quicker. An accelerator is not asked, since that would stall it."""
    if padding_mask is None or (padding_mask.device.type == "cpu" and padding_mask.all()):
        return None
    mask = padding_mask[:, None, None] if padding_mask.ndim == 2 else padding_mask[:, None]
    if not causal:
        return mask
    return mask & torch.ones(time, padding_mask.shape[-1], dtype=torch.bool, device=padding_mask.device).tril()


def _biased(bias_BHTS, mask, causal):
    if causal and mask is None:
        mask = torch.ones(bias_BHTS.shape[2:], dtype=torch.bool, device=bias_BHTS.device).tril()
    return bias_BHTS if mask is None else torch.where(mask, bias_BHTS, torch.finfo(bias_BHTS.dtype).min)


def write(memory_BKSD, x_BKTD, places):
    """(batch, heads, length, width) keys or values put into `places`: in place."""
    return memory_BKSD.index_copy_(2, places.long(), x_BKTD.to(memory_BKSD.dtype))


def recall(q_BTHD, k_BKSD, v_BKSD, visible_BTS=None, bias_BHTS=None):
    """Attention of a few tokens to remembered keys and values, heads first: (batch, time, heads, width).

    For 8 or 32 rows two products take two thirds of the time of `scaled_dot_product_attention` (one core).

    Args:
        visible_BTS: booleans, broadcast over T; None: everything is visible.
        bias_BHTS: what is added to the scores, broadcast over B.
    """
    (batch, time, heads, width), (_, shared, length, _) = q_BTHD.shape, k_BKSD.shape
    q_PGD = (q_BTHD * width**-0.5).transpose(1, 2).reshape(batch * shared, -1, width)  # G queries share a pair's keys
    score_BHTS = torch.bmm(q_PGD, k_BKSD.flatten(0, 1).transpose(1, 2)).view(batch, heads, time, length)
    if bias_BHTS is not None:
        score_BHTS = score_BHTS + bias_BHTS.to(score_BHTS.dtype)
    if visible_BTS is not None:
        score_BHTS = score_BHTS.masked_fill(~visible_BTS[:, None], torch.finfo(score_BHTS.dtype).min)
    weight_PGS = torch.softmax(score_BHTS, -1).view(batch * shared, -1, length)
    y_BHTD = torch.bmm(weight_PGS, v_BKSD.flatten(0, 1)).view(batch, heads, time, width)
    return y_BHTD.transpose(1, 2)
