"""Sliding windows over long contexts inside a graph, equal to those of `zoo.data.qa_windows`."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.characters import decode
from zoo.export.tokenizer.ragged import row_ids, row_starts
from zoo.export.tokenizer.readers import RaggedIds
from zoo.text.template import SpecialTokenTemplate

PYTHON_WHITESPACE = r"[\s\p{Z}\x0b\x1c-\x1f\x85]"  # what Python's str.strip removes


class Windows(NamedTuple):
    """Windows of a batch of questions and contexts: a network's inputs, and the context token at each position."""

    ids: tf.Tensor  # (windows, time) int32
    segments: tf.Tensor  # (windows, time) int32: 0 up to the context, 1 for it and the special tokens after it
    record: tf.Tensor  # (windows,) int64: the question that a window belongs to
    token: tf.Tensor  # (windows, time) int64: index among the context's tokens, -1 for other tokens


def qa_windows(
    question: RaggedIds, context: RaggedIds, template: SpecialTokenTemplate, length: int, stride: int, padding: int
) -> Windows:
    """The `Windows` of questions and contexts, at most `length` ids each; see `zoo.data.qa_windows` for `stride`."""
    before, between, after = (tf.constant(ids, tf.int32) for ids in template.special_ids(2, length))
    first = tf.size(before, tf.int64) + question.lengths + tf.size(between, tf.int64)
    room = length - first - tf.size(after, tf.int64)
    step = tf.minimum(room, stride)
    counts = 1 + tf.maximum(context.lengths - room + step - 1, 0) // step
    record = row_ids(counts)
    start = (tf.range(tf.size(record, tf.int64)) - tf.gather(row_starts(counts), record)) * tf.gather(step, record)
    count = tf.minimum(tf.gather(context.lengths, record) - start, tf.gather(room, record))
    begin = tf.gather(first, record)[:, None]
    end = begin + count[:, None]
    position = tf.range(tf.maximum(tf.reduce_max(end) + tf.size(after, tf.int64), 1))[None]
    token = tf.where((position >= begin) & (position < end), position - begin + start[:, None], -1)
    question_token = position - tf.size(before, tf.int64)
    in_question = question_token < tf.gather(question.lengths, record)[:, None]
    ids = _suffix(padding, after, position - end, tf.shape(token))
    ids = tf.where(token >= 0, _ids_of(context, record, token), ids)
    ids = tf.where(position < begin, _take(between, position - begin + tf.size(between, tf.int64)), ids)
    ids = tf.where(in_question, _ids_of(question, record, question_token), ids)
    ids = tf.where(question_token < 0, _take(before, position), ids)
    in_context = (position >= begin) & (position < end + tf.size(after, tf.int64))
    # Without special tokens and question, a context token is at position 0, which means "no answer".
    return Windows(ids, tf.cast(in_context, tf.int32), record, tf.where(position > 0, token, -1))


def _suffix(padding, after, position, shape):
    """The special ids after the context, then padding; `position` counts from the end of the context."""
    special = (position >= 0) & (position < tf.size(after, tf.int64))
    return tf.where(special, _take(after, position), tf.fill(shape, padding))


def _ids_of(ragged, record, token):
    """The ids of tokens, (windows, time), counted from the first token of their record."""
    return _take(ragged.ids, token + tf.gather(row_starts(ragged.lengths), record)[:, None])


def _take(ids, indices):
    """The ids at indices; an index out of range gives an arbitrary id."""
    ids = tf.concat([ids, tf.zeros([1], ids.dtype)], 0)
    return tf.gather(ids, tf.clip_by_value(indices, 0, tf.size(ids, tf.int64) - 1))


def truncate(ragged: RaggedIds, length: int) -> RaggedIds:
    """The first `length` ids of each text."""
    index = tf.range(tf.size(ragged.ids, tf.int64)) - tf.repeat(row_starts(ragged.lengths), ragged.lengths)
    ids, starts, ends = (tf.boolean_mask(part, index < length) for part in (ragged.ids, ragged.starts, ragged.ends))
    return ragged._replace(ids=ids, lengths=tf.minimum(ragged.lengths, length), starts=starts, ends=ends)


def padding_mask(ragged: RaggedIds) -> tf.Tensor:
    """Whether a text has a token at each index, (texts, longest text or 1) bool."""
    return tf.sequence_mask(ragged.lengths, tf.maximum(tf.reduce_max(ragged.lengths), 1))


def slice_spans(
    texts: tf.Tensor, ragged: RaggedIds, first: tf.Tensor, last: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The span of each text from its token `first` to its token `last`, without white space around it.

    Three tensors (texts,): the string, its first and past-the-last character; "", -1, -1 where `first` is -1.
    """
    points, counts = decode(texts)
    texts = tf.strings.unicode_encode(tf.RaggedTensor.from_row_lengths(points, counts, validate=False), "UTF-8")
    begin, has_answer = row_starts(ragged.lengths), first >= 0
    start = tf.where(has_answer, _take(ragged.starts, begin + first), 0)
    end = tf.where(has_answer, _take(ragged.ends, begin + last), 0)
    span = tf.strings.substr(texts, start, end - start, "UTF8_CHAR")
    stripped = tf.strings.regex_replace(span, f"^{PYTHON_WHITESPACE}+", "")
    start += _character_counts(span) - _character_counts(stripped)
    stripped = tf.strings.regex_replace(stripped, f"{PYTHON_WHITESPACE}+$", "")
    end = start + _character_counts(stripped)
    return stripped, tf.where(has_answer, start, -1), tf.where(has_answer, end, -1)


def _character_counts(texts):
    return tf.cast(tf.strings.length(texts, "UTF8_CHAR"), tf.int64)
