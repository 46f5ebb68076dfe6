"""From scores of tags at each word to the best tags, and from tags to spans, in Keras ops."""

import numpy as np
from keras import ops

from zoo.backend import most
from zoo.backend.shapes import power_of_two
from zoo.layers.crf import CRF, to_front, viterbi

ROWS = 256  # texts in a batch
STEP = 16  # words by which batches differ in length: few shapes are compiled


def decode_tags(head, score_BTK, visible_BT, allowed=None):
    """The best tags of each text and the probability of each of them, (batch, words) int32 and float32.

    Args:
        head: the layer that gave the scores; a `CRF` judges all words together, any other each word alone.
        visible_BT: where a word is; False at padding, which follows the words.
        allowed: which tag may follow which, as `zoo.layers.crf.viterbi` takes it.
    """
    if isinstance(head, CRF):
        tag_BT, likely_BTK = head.decode(score_BTK, visible_BT, allowed), head.marginals(score_BTK, visible_BT)
    else:
        count = score_BTK.shape[-1]
        alone = ops.zeros((count, count)), ops.zeros(count), ops.zeros(count)
        tag_BT, likely_BTK = viterbi(score_BTK, visible_BT, *alone, allowed=allowed), ops.softmax(score_BTK)
    return tag_BT, ops.take_along_axis(likely_BTK, tag_BT[..., None], axis=2)[..., 0]


def decode_batches(head, scores, allowed=None):
    """`decode_tags` of a list of (words, tags) arrays: a list of (tags, probabilities), (words,) arrays both."""
    order = sorted(range(len(scores)), key=lambda i: -len(scores[i]))
    found = [None] * len(scores)
    for start in range(0, len(order), ROWS):
        some = order[start : start + ROWS]
        batch, padding_mask = _stack([scores[i] for i in some])
        answers = map(ops.convert_to_numpy, decode_tags(head, batch, padding_mask, allowed))
        for i, there, *row in zip(some, padding_mask, *answers, strict=False):  # rows without a text come last
            found[i] = tuple(array[there] for array in row)
    return found


def _stack(scores):
    """(texts, words, tags) of scores, padded with zeros to one of few shapes, and where words are."""
    rows, time = power_of_two(len(scores)), STEP * (1 + max(map(len, scores)) // STEP)
    batch, padding_mask = np.zeros((rows, time, scores[0].shape[1]), "float32"), np.zeros((rows, time), bool)
    for place, there, row in zip(batch, padding_mask, scores, strict=False):
        place[: len(row)], there[: len(row)] = row, True
    return batch, padding_mask


def tags_to_spans(tag_BT, probability_BT, visible_BT, apart, named):
    """What spans tags spell: {"first", "last", "tag", "score"}, (batch, spans) each, -1 where a text has fewer.

    First and last are words; the tag is that of the first; the score is the least probability of a span's words.

    Args:
        apart: (tags + 1, tags + 1) booleans: whether neighbouring tags are not of one span; the last row and column
            stand for the beginning and the end of a text.
        named: (tags + 1,) booleans: whether a tag is of a span.
    """
    none, time = len(named) - 1, ops.shape(tag_BT)[1]
    around_BT = ops.pad(ops.where(visible_BT, tag_BT, none), ((0, 0), (1, 1)), constant_values=none)
    pairs_BT = around_BT[:, :-1] * (none + 1) + around_BT[:, 1:]
    edge_BT = ops.take(ops.reshape(ops.convert_to_tensor(apart), (-1,)), pairs_BT)
    named_BT = ops.take(ops.convert_to_tensor(named), around_BT[:, 1:-1])
    begins_BT, ends_BT = (ops.logical_and(named_BT, edges_BT) for edges_BT in (edge_BT[:, :-1], edge_BT[:, 1:]))
    count_B1 = ops.sum(ops.cast(begins_BT, "int32"), axis=1, keepdims=True)
    size = most(count_B1, time)
    first_BS, last_BS = to_front(begins_BT)[:, :size], to_front(ends_BT)[:, :size]
    score_BS = _least(probability_BT, first_BS, last_BS)
    found = {
        "first": first_BS,
        "last": last_BS,
        "tag": ops.take_along_axis(tag_BT, first_BS, axis=1),
        "score": score_BS,
    }
    there_BS = ops.arange(size, dtype="int32") < count_B1
    return {name: ops.where(there_BS, array, -1) for name, array in found.items()}


def _least(x_BT, first_BS, last_BS):
    """The least of the numbers from a first to a last place, (batch, spans)."""
    place_T = ops.arange(ops.shape(x_BT)[1], dtype="int32")
    within_BST = ops.logical_and(first_BS[..., None] <= place_T, place_T <= last_BS[..., None])
    return ops.min(ops.where(within_BST, x_BT[:, None], 1.0), axis=2)
