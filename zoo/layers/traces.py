"""Traces of layers for interpretability: attention weights, recurrent states and gates, recomputed beside a call.

Fused kernels return neither weights nor gates. A layer's `trace` takes the arguments of its `call` and recomputes them
with the same weights, in float32; it changes nothing in the layer.
"""

from dataclasses import dataclass, field

from keras import ops

from zoo.backend import Tensor


@dataclass(frozen=True)
class AttentionTrace:
    """Attention of a batch: `weight` is the softmax of `score` over visible keys, `score` = `scale` q k^T + `bias`.

    Attributes:
        score: (batch, heads, time, source time), before the mask and the softmax.
        mask: booleans, True at visible keys, (batch or 1, 1, time or 1, source time); None: all are visible.
        weight: as `score`: exact zeros at masked keys; a row without a visible key is zero.
        query: (batch, heads, time, head width); None for a score that is no product of queries and keys.
        key: (batch, heads, source time, head width), repeated for grouped queries.
        bias: (batch or 1, heads, time, source time), such as T5's relative positions.
        scale: factor of the products.
        causal: whether a query sees no key after its own position.
    """

    score: Tensor
    mask: Tensor | None
    weight: Tensor
    query: Tensor | None = None
    key: Tensor | None = None
    bias: Tensor | None = None
    scale: float = 1.0
    causal: bool = False


@dataclass(frozen=True)
class RecurrentTrace:
    """States and gates of a recurrent layer on a batch, each (batch, time, units), in the order of the tokens.

    Attributes:
        outputs: what `call` returns.
        states: {"h", and of an LSTM "c"}: the state after each token; zeros at padding.
        gates: activations by name, such as "forget"; none of a simple RNN.
        alignment: of a decoder with attention: its weights, with one head.
    """

    outputs: Tensor | list[Tensor] | tuple
    states: dict[str, Tensor]
    gates: dict[str, Tensor] = field(default_factory=dict)
    alignment: AttentionTrace | None = None


def score_trace(score_BHTS: Tensor, mask: Tensor | None, causal: bool = False, **parts) -> AttentionTrace:
    """The trace of scores before the softmax.

    Args:
        mask: booleans, True at visible keys: (batch, source time) or (batch, time, source time); None: all visible.
        causal: whether a query sees no key after its own position.
        parts: further fields of the trace.
    """
    score_BHTS = ops.cast(score_BHTS, "float32")
    mask = _attention_mask(mask, causal, *ops.shape(score_BHTS)[2:])
    masked_BHTS = score_BHTS if mask is None else ops.where(mask, score_BHTS, -1e9)
    weight_BHTS = ops.exp(masked_BHTS - ops.max(masked_BHTS, axis=-1, keepdims=True))
    weight_BHTS = weight_BHTS if mask is None else ops.where(mask, weight_BHTS, 0.0)
    total_BHT1 = ops.sum(weight_BHTS, axis=-1, keepdims=True)
    weight_BHTS = weight_BHTS / ops.where(total_BHT1 > 0, total_BHT1, 1.0)
    return AttentionTrace(score_BHTS, mask, weight_BHTS, causal=causal, **parts)


def product_trace(
    q_BTHD: Tensor,
    k_BSKD: Tensor,
    scale: float = 1.0,
    mask: Tensor | None = None,
    causal: bool = False,
    bias: Tensor | None = None,
) -> AttentionTrace:
    """The trace of attention by products of queries and keys.

    Args:
        q_BTHD, k_BSKD: queries and keys; groups of H / K heads share one of the K heads of keys.
        scale: factor of the products.
        mask, causal: as of `score_trace`.
        bias: (batch or 1, heads, time, source time), added to the scaled products.
    """
    q_BHTD, k_BHSD = (ops.cast(ops.transpose(x, (0, 2, 1, 3)), "float32") for x in (q_BTHD, k_BSKD))
    k_BHSD = ops.repeat(k_BHSD, q_BHTD.shape[1] // k_BHSD.shape[1], axis=1)
    score_BHTS = ops.matmul(q_BHTD * scale, ops.transpose(k_BHSD, (0, 1, 3, 2)))
    if bias is not None:
        bias = ops.cast(bias, "float32")
        score_BHTS = score_BHTS + bias
    return score_trace(score_BHTS, mask, causal, query=q_BHTD, key=k_BHSD, bias=bias, scale=scale)


def _attention_mask(mask, causal, time, source_time):
    if mask is not None:
        mask = ops.cast(mask[:, None, None] if len(mask.shape) == 2 else mask[:, None], "bool")
    if not causal:
        return mask
    causal_mask = (ops.arange(source_time) <= ops.arange(time)[:, None])[None, None]
    return causal_mask if mask is None else ops.logical_and(mask, causal_mask)
