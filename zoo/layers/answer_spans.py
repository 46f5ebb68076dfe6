"""Extractive question answering: span logits and their loss, features that match the question, and the best spans."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops
from keras.layers import Concatenate, Dense, Dropout, Multiply

from zoo.backend import Tensor
from zoo.layers.convolution import convolution_block
from zoo.layers.embedding import PaddingMask
from zoo.layers.pooling import Pooling
from zoo.layers.recurrent.decoder_attention import DecoderAttention

MASKED = -1e9  # logit of a token that cannot start or end a span; in float32 only
MIN_SCORE = -1e30  # lower than any score
KERNEL = 5  # tokens, kernel size of the convolutions over matched features


def match_question(
    x: KerasTensor,
    tokens: KerasTensor,
    segments: KerasTensor,
    padding: int,
    dropout: float,
    name: str = "match_question",
) -> KerasTensor:
    """Question matching: features of each token with those of the question, (batch, time, width).

    Each token gets the mean of the question's features by attention, their product (Seo et al. 2017, section 2.4,
    https://arxiv.org/abs/1611.01603) and whether the token occurs in the question (the exact match feature of Chen et
    al. 2017, section 3.2, https://arxiv.org/abs/1704.00051); two convolutions follow. For networks whose features do
    not reach from the question to the answer; attention in the network itself does the same with more data.

    Args:
        x: (batch, time, width).
        tokens: (batch, time) ids.
        segments: (batch, time), 0 at tokens of the question.
        padding: the id of padding.
        dropout: rate of dropout before and in the convolutions.
    """
    padding_mask = PaddingMask(padding, name=f"{name}_padding_mask")(tokens)
    question = QuestionMask(name=f"{name}_question")(segments, padding_mask)
    context = DecoderAttention(x.shape[-1], "general", name=f"{name}_attention")(x, x, question)
    match = ExactMatch(name=f"{name}_exact_match")(tokens, question)
    product = Multiply(name=f"{name}_product")([x, context])
    features = Concatenate(name=f"{name}_features")([x, context, product, match])
    x = Dropout(dropout, name=f"{name}_dropout")(Dense(x.shape[-1], "relu", name=f"{name}_dense")(features))
    for i in range(2):
        x = convolution_block(x, padding_mask, KERNEL, 1, False, dropout, f"{name}_block{i}")
    return x


def span_logits(x: KerasTensor, tokens: KerasTensor, architecture: Any, name: str = "logits") -> KerasTensor:
    """Span logits, (batch, time, 2): of the start and the end of the answer at each token.

    The first token stands for "no answer" (Devlin 2018, https://arxiv.org/abs/1810.04805, section 4.3). In a causal
    network the first token attends to itself alone, so it gets the logits of the last token.

    Args:
        x: features, (batch, time, width).
        tokens: (batch, time) ids.
        architecture: the network's architecture, of which `causal` and `padding` are read.
    """
    logits = Dense(2, dtype="float32", name=name)(x)
    if not architecture.causal:
        return logits
    padding_mask = PaddingMask(architecture.padding, name=f"{name}_padding_mask")(tokens)
    last = Pooling("last", dtype="float32", name=f"{name}_last")(logits, padding_mask)
    return SetFirst(name=f"{name}_first", dtype="float32")(logits, last)


@keras.saving.register_keras_serializable(package="zoo")
class QuestionMask(keras.layers.Layer):
    """Mask of the question's tokens, special ones included: (batch, time) booleans.

    >>> layers.QuestionMask()(keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="bool")).shape
    (None, 5)
    """

    def call(self, segments: Tensor, padding_mask: Tensor) -> Tensor:
        return ops.logical_and(ops.equal(segments, 0), padding_mask)


@keras.saving.register_keras_serializable(package="zoo")
class ExactMatch(keras.layers.Layer):
    """Exact match feature: 1.0 at each token that occurs in the question, else 0.0: (batch, time, 1).

    >>> layers.ExactMatch()(keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="bool")).shape
    (None, 5, 1)
    """

    def call(self, tokens: Tensor, question: Tensor) -> Tensor:
        same_BTS = ops.logical_and(ops.equal(tokens[:, :, None], tokens[:, None]), question[:, None])
        return ops.cast(ops.any(same_BTS, axis=2), self.compute_dtype)[..., None]

    def compute_output_spec(self, tokens, question):
        return keras.KerasTensor((*tokens.shape, 1), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class SetFirst(keras.layers.Layer):
    """Replaces the first vector of each text: `x`, (batch, time, width), with `first`, (batch, width).

    >>> layers.SetFirst()(keras.Input((5, 16)), keras.Input((16,))).shape
    (None, 5, 16)
    """

    def call(self, x: Tensor, first: Tensor) -> Tensor:
        return ops.concatenate([first[:, None], x[:, 1:]], axis=1)

    def compute_output_spec(self, x, first):
        return keras.KerasTensor(x.shape, dtype=x.dtype)


@keras.saving.register_keras_serializable(package="zoo")
class SpanLoss(keras.losses.Loss):
    """Mean of the cross-entropies of a span's start and end (Devlin 2018, section 4.2).

    Targets are (batch, time, 3): whether a token can be either, whether the span starts and whether it ends there.

    >>> targets = np.array([[[1, 1, 0], [1, 0, 1], [0, 0, 0]]], "float32")  # the answer is the first two tokens
    >>> round(float(layers.SpanLoss()(targets, np.zeros((1, 3, 2), "float32"))), 4)
    0.6931
    """

    def call(self, targets, logits):
        logits = mask_logits(targets, logits)
        target = ops.sum(ops.where(targets[..., 1:] > 0, logits, 0.0), axis=1)
        return ops.mean(ops.logsumexp(logits, axis=1) - target, axis=-1)


def mask_logits(targets: Tensor, logits: Tensor) -> Tensor:
    """The logits in float32, `MASKED` where a token can be neither start nor end."""
    return ops.where(targets[..., :1] > 0, ops.cast(logits, "float32"), MASKED)


def top_spans(
    logits: Tensor, record: Tensor, token: Tensor, context: Tensor, max_length: int, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` spans of each record with the highest scores, over all its windows.

    The score of a span is the sum of its two logits less the two of "no answer" in its window, so windows compare; a
    span in several windows has its highest score. Spans of equal scores come in the order of their tokens.

    Args:
        logits: (windows, time, 2), of start and end at each token; index 0 stands for "no answer".
        record: (windows,) the record of each window, counted from 0.
        token: (windows, time) the index of each token in its record's context, -1 for a token outside the context.
        context: (records, tokens) booleans: True where a record's context has a token.
        max_length: tokens of the longest span.

    Returns `(scores, first, last)`, (records, count) each; scores of missing spans are -inf.
    """
    record, token = ops.cast(record, "int32"), ops.cast(token, "int32")
    (records, tokens), time = ops.shape(context), ops.shape(token)[1]
    no_answer_W11 = ops.sum(logits[:, :1], axis=2)[..., None]
    starts_WT, ends_WT = ops.unstack(ops.where(token[..., None] >= 0, logits, -np.inf), axis=-1)
    ends_WT = ops.pad(ends_WT, ((0, 0), (0, max_length - 1)), constant_values=-np.inf)
    ends_WTL = ops.stack([ends_WT[:, shift : shift + time] for shift in range(max_length)], axis=-1)
    first_WT = record[:, None] * tokens + ops.maximum(token, 0)
    span_WTL = first_WT[..., None] * max_length + ops.arange(max_length, dtype="int32")
    score_WTL = starts_WT[..., None] + ends_WTL - no_answer_W11
    scores = ops.segment_max(ops.reshape(score_WTL, (-1,)), ops.reshape(span_WTL, (-1,)), records * tokens * max_length)
    scores = ops.where(scores < MIN_SCORE, -np.inf, scores)  # a span that is in no window
    scores = ops.reshape(scores, (records, tokens * max_length))
    scores, spans = _stable_top_k(ops.pad(scores, ((0, 0), (0, count)), constant_values=-np.inf), count)
    first = ops.floor_divide(spans, max_length)
    return scores, first, first + ops.mod(spans, max_length)


def _stable_top_k(x, k):
    """`ops.top_k` of (rows, n) with ties broken by the lowest index; torch's own breaks them arbitrarily."""
    threshold = ops.top_k(x, k)[0][:, -1:]
    above, equal = x > threshold, ops.equal(x, threshold)
    ties = k - ops.sum(ops.cast(above, "int32"), axis=1, keepdims=True)
    chosen = ops.logical_or(above, ops.logical_and(equal, ops.cumsum(ops.cast(equal, "int32"), axis=1) <= ties))
    index = ops.arange(ops.shape(x)[1], dtype="int32")
    indices = -ops.top_k(ops.where(chosen, -index, -ops.shape(x)[1]), k)[0]  # ascending
    values = ops.take_along_axis(x, indices, axis=1)
    order = ops.argsort(-values, axis=1)
    return ops.take_along_axis(values, order, axis=1), ops.take_along_axis(indices, order, axis=1)
