"""Sequence labelling in Keras ops: decode scores of tags at each word to tags, and tags to spans."""

import numpy as np
from keras import ops

from zoo.backend import Tensor, dynamic_max
from zoo.layers.crf_algorithms import marginals, to_front, viterbi


def decode_tags(
    score_BTK: Tensor,
    mask_BT: Tensor,
    transitions: tuple[Tensor, Tensor, Tensor] | None = None,
    allowed: np.ndarray | None = None,
) -> tuple[Tensor, Tensor]:
    """The best tags of each text and the probability of each of them, (batch, words) int32 and float32.

    Args:
        score_BTK: scores of the tags of each word, (batch, words, tags).
        mask_BT: booleans, True at words; padding follows the words.
        transitions: `CRF.transition_scores`, for the best sequence of tags; None: the best tag of each word.
        allowed: which tag may follow which, as `zoo.layers.crf_algorithms.viterbi` takes it.
    """
    if transitions is not None:
        tag_BT = viterbi(score_BTK, mask_BT, *transitions, allowed=allowed)
        probability_BTK = marginals(score_BTK, mask_BT, *transitions)
    else:
        count = score_BTK.shape[-1]
        zeros = ops.zeros((count, count)), ops.zeros(count), ops.zeros(count)
        tag_BT = viterbi(score_BTK, mask_BT, *zeros, allowed=allowed)
        probability_BTK = ops.softmax(score_BTK)
    return tag_BT, ops.take_along_axis(probability_BTK, tag_BT[..., None], axis=2)[..., 0]


def tags_to_spans(
    tag_BT: Tensor, probability_BT: Tensor, mask_BT: Tensor, boundary: np.ndarray, inside: np.ndarray
) -> dict[str, Tensor]:
    """The spans that tags encode: {"first", "last", "tag", "score"}, (batch, spans) each, -1 where a text has fewer.

    First and last are words; the tag is that of the first; the score is the lowest probability of a span's words.

    Args:
        boundary: (tags + 1, tags + 1) booleans: whether neighbouring tags are not of one span; the last row and column
            stand for the start and the end of a text.
        inside: (tags + 1,) booleans: whether a tag is of a span.
    """
    outside, time = len(inside) - 1, ops.shape(tag_BT)[1]
    padded_BT = ops.pad(ops.where(mask_BT, tag_BT, outside), ((0, 0), (1, 1)), constant_values=outside)
    pairs_BT = padded_BT[:, :-1] * (outside + 1) + padded_BT[:, 1:]
    edge_BT = ops.take(ops.reshape(ops.convert_to_tensor(boundary), (-1,)), pairs_BT)
    inside_BT = ops.take(ops.convert_to_tensor(inside), padded_BT[:, 1:-1])
    starts_BT, ends_BT = (ops.logical_and(inside_BT, edges_BT) for edges_BT in (edge_BT[:, :-1], edge_BT[:, 1:]))
    count_B1 = ops.sum(ops.cast(starts_BT, "int32"), axis=1, keepdims=True)
    size = dynamic_max(count_B1, time)
    first_BS, last_BS = to_front(starts_BT)[:, :size], to_front(ends_BT)[:, :size]
    spans = {
        "first": first_BS,
        "last": last_BS,
        "tag": ops.take_along_axis(tag_BT, first_BS, axis=1),
        "score": _lowest(ops.where(inside_BT, probability_BT, 1.0), starts_BT)[:, :size],
    }
    exists_BS = ops.arange(size, dtype="int32") < count_B1
    return {name: ops.where(exists_BS, array, -1) for name, array in spans.items()}


def _lowest(x_BT, starts_BT):
    """The lowest value of each span, (batch, time), in the order of their starts."""
    batch, time = ops.shape(x_BT)
    span_BT = ops.maximum(ops.cumsum(ops.cast(starts_BT, "int32"), axis=1) - 1, 0)
    key_BT = ops.arange(batch, dtype="int32")[:, None] * time + span_BT
    lowest = -ops.segment_max(ops.reshape(-x_BT, (-1,)), ops.reshape(key_BT, (-1,)), batch * time)
    return ops.reshape(lowest, (batch, time))
