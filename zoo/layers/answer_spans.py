"""What finds a span in a text: logits of its beginning and end at each token, and the loss they are trained with."""

import keras
import numpy as np
from keras import ops
from keras.layers import Concatenate, Dense, Dropout, Multiply

from zoo.layers.convolution import convolution_block
from zoo.layers.embedding import PaddingMask
from zoo.layers.pooling import Pooling
from zoo.layers.recurrent.decoder_attention import DecoderAttention

MASKED = -1e9  # logit of a place that can be neither; only ever put in float32
MIN_SCORE = -1e30  # less than any score
KERNEL = 5  # tokens that a convolution over what was compared sees


def match_question(x, tokens, segments, padding, dropout, name="match_question"):
    """Draw features of each token with what the question has to say to them: (batch, time, width) to the same shape.

    Each token gets the mean of the question's features by attention, their product (Seo et al. 2017, section 2.4,
    https://arxiv.org/abs/1611.01603) and whether it stands in the question too (Chen et al. 2017, section 3.2,
    https://arxiv.org/abs/1704.00051); two convolutions then read that with its neighbours. For networks whose features
    do not reach from the question to the answer; attention in the network itself does the same with more data.

    Args:
        tokens, types: (batch, time) ids, and 0 where they are the question's.
        padding: the id of padding.
    """
    padding_mask = PaddingMask(padding, name=f"{name}_visible")(tokens)
    question = Question(name=f"{name}_question")(segments, padding_mask)
    said = DecoderAttention(x.shape[-1], "general", name=f"{name}_alignment")(x, x, question)
    shared = ExactMatch(name=f"{name}_shared")(tokens, question)
    both = Concatenate(name=f"{name}_both")([x, said, Multiply(name=f"{name}_product")([x, said]), shared])
    x = Dropout(dropout, name=f"{name}_dropout")(Dense(x.shape[-1], "relu", name=f"{name}_dense")(both))
    for i in range(2):
        x = convolution_block(x, padding_mask, KERNEL, 1, False, dropout, f"{name}_block{i}")
    return x


def span_logits(x, tokens, architecture, name="logits"):
    """Draw logits of beginning and ending at each token, (batch, time, 2), upon features (batch, time, width).

    The first place stands for "no answer" (Devlin 2018, https://arxiv.org/abs/1810.04805, section 4.3). Where features
    see no later tokens, the first knows nothing: it then has the logits of the last token.
    """
    logits = Dense(2, dtype="float32", name=name)(x)
    if not architecture.causal:
        return logits
    padding_mask = PaddingMask(architecture.padding, name=f"{name}_visible")(tokens)
    last = Pooling("last", dtype="float32", name=f"{name}_last")(logits, padding_mask)
    return SetFirst(name=f"{name}_first", dtype="float32")(logits, last)


@keras.saving.register_keras_serializable(package="zoo")
class Question(keras.layers.Layer):
    """Where the question's tokens are, special ones included: (batch, time) booleans."""

    def call(self, segments, padding_mask):
        return ops.logical_and(ops.equal(segments, 0), padding_mask)


@keras.saving.register_keras_serializable(package="zoo")
class ExactMatch(keras.layers.Layer):
    """1.0 at each token that stands in the question too, else 0.0: (batch, time, 1)."""

    def call(self, tokens, question):
        same_BTS = ops.logical_and(ops.equal(tokens[:, :, None], tokens[:, None]), question[:, None])
        return ops.cast(ops.any(same_BTS, axis=2), self.compute_dtype)[..., None]

    def compute_output_spec(self, tokens, question):
        return keras.KerasTensor((*tokens.shape, 1), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class SetFirst(keras.layers.Layer):
    """Puts `first` (batch, width) into the first place of `x` (batch, time, width)."""

    def call(self, x, first):
        return ops.concatenate([first[:, None], x[:, 1:]], axis=1)

    def compute_output_spec(self, x, first):
        return keras.KerasTensor(x.shape, dtype=x.dtype)


class SpanLoss(keras.losses.Loss):
    """Mean of the cross-entropies of where a span begins and where it ends (Devlin 2018, section 4.2).

    Targets are (batch, time, 3): whether a token can be either, whether the span begins and whether it ends there.
    """

    def call(self, targets, logits):
        logits = mask_logits(targets, logits)
        chosen = ops.sum(ops.where(targets[..., 1:] > 0, logits, 0.0), axis=1)
        return ops.mean(ops.logsumexp(logits, axis=1) - chosen, axis=-1)


def mask_logits(targets, logits):
    """The logits in float32, out of reach where a token can be neither beginning nor end."""
    return ops.where(targets[..., :1] > 0, ops.cast(logits, "float32"), MASKED)


def exact_match(targets, logits):
    """(batch,) 1.0 where beginning and end are the places with the highest logits: an approximate exact match."""
    best = ops.argmax(mask_logits(targets, logits), axis=1)
    right = ops.equal(best, ops.argmax(targets[..., 1:], axis=1))
    return ops.cast(ops.all(right, axis=-1), "float32")


def top_spans(logits, record, token, context, max_length: int, count: int):
    """The `count` spans of each record with the highest scores, over all its windows.

    The score of a span is the sum of its two logits less the two of "no answer" in its window, so windows compare; a
    span in several windows has its highest score. Spans of equal scores come in the order of their tokens.

    Args:
        logits: (windows, time, 2), of beginning and ending at each token; index 0 stands for "no answer".
        record: (windows,) the record of each window, counted from 0.
        token: (windows, time) which token of its record's context stands there, -1 for a token of no context.
        context: (records, tokens) booleans: where a record's context has a token.
        max_length: tokens of the longest span.

    Returns `(scores, first, last)`, (records, count) each; scores of missing spans are -inf.
    """
    record, token = ops.cast(record, "int32"), ops.cast(token, "int32")
    (records, tokens), time = ops.shape(context), ops.shape(token)[1]
    no_answer_W11 = ops.sum(logits[:, :1], axis=2)[..., None]
    starts_WT, ends_WT = ops.unstack(ops.where(token[..., None] >= 0, logits, -np.inf), axis=-1)
    ends_WT = ops.pad(ends_WT, ((0, 0), (0, max_length - 1)), constant_values=-np.inf)
    ends_WTL = ops.stack([ends_WT[:, more : more + time] for more in range(max_length)], axis=-1)
    first_WT = record[:, None] * tokens + ops.maximum(token, 0)
    span_WTL = first_WT[..., None] * max_length + ops.arange(max_length, dtype="int32")
    score_WTL = starts_WT[..., None] + ends_WTL - no_answer_W11
    scores = ops.segment_max(
        ops.reshape(score_WTL, (-1,)), ops.reshape(span_WTL, (-1,)), records * tokens * max_length
    )
    scores = ops.where(scores < MIN_SCORE, -np.inf, scores)  # a span that no window holds
    scores = ops.reshape(scores, (records, tokens * max_length))
    scores, spans = _stable_top_k(ops.pad(scores, ((0, 0), (0, count)), constant_values=-np.inf), count)
    first = ops.floor_divide(spans, max_length)
    return scores, first, first + ops.mod(spans, max_length)


def _stable_top_k(x, k):
    """`ops.top_k` of (rows, n), of equal values those with the lowest indices: torch's own picks any."""
    threshold = ops.top_k(x, k)[0][:, -1:]
    above, equal = x > threshold, ops.equal(x, threshold)
    room = k - ops.sum(ops.cast(above, "int32"), axis=1, keepdims=True)
    chosen = ops.logical_or(above, ops.logical_and(equal, ops.cumsum(ops.cast(equal, "int32"), axis=1) <= room))
    index = ops.arange(ops.shape(x)[1], dtype="int32")
    indices = -ops.top_k(ops.where(chosen, -index, -ops.shape(x)[1]), k)[0]  # rising
    values = ops.take_along_axis(x, indices, axis=1)
    order = ops.argsort(-values, axis=1)
    return ops.take_along_axis(values, order, axis=1), ops.take_along_axis(indices, order, axis=1)
