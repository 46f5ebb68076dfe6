"""Windows over long contexts inside a graph, the same as those of `zoo.data.qa_windows`."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.characters import decode
from zoo.export.tokenizer.ragged import rows_of, starts_of

BLANKS = r"[\s\p{Z}\x0b\x1c-\x1f\x85]"  # what Python's str.strip takes away


class Windows(NamedTuple):
    """What a network reads of a batch of questions and contexts, and which token of which context stands where."""

    ids: tf.Tensor  # (windows, time) int32
    segments: tf.Tensor  # (windows, time) int32: 0 for the question and its special tokens, 1 for the rest
    record: tf.Tensor  # (windows,) int64: which question it is about
    token: tf.Tensor  # (windows, time) int64: which of its context's tokens, -1 where another one stands


def windows(question, context, layout, length, stride, padding):
    """Return the `Windows` of `RaggedIds` of questions, at most `length` ids each; the rest is as in `zoo.data.qa_windows`."""
    before, between, after = (tf.constant(ids, tf.int32) for ids in layout.special_ids(2, length))
    first = tf.size(before, tf.int64) + question.lengths + tf.size(between, tf.int64)
    room = length - first - tf.size(after, tf.int64)
    step = tf.minimum(room, stride)
    counts = 1 + tf.maximum(context.lengths - room + step - 1, 0) // step
    record = rows_of(counts)
    start = (tf.range(tf.size(record, tf.int64)) - tf.gather(starts_of(counts), record)) * tf.gather(step, record)
    held = tf.minimum(tf.gather(context.lengths, record) - start, tf.gather(room, record))
    begin = tf.gather(first, record)[:, None]
    end = begin + held[:, None]
    place = tf.range(tf.maximum(tf.reduce_max(end) + tf.size(after, tf.int64), 1))[None]
    token = tf.where((place >= begin) & (place < end), place - begin + start[:, None], -1)
    asked = place - tf.size(before, tf.int64)
    ids = _fill(padding, after, place - end, tf.shape(token))
    ids = tf.where(token >= 0, _of_rows(context, record, token), ids)
    ids = tf.where(place < begin, _take(between, place - begin + tf.size(between, tf.int64)), ids)
    ids = tf.where(asked < tf.gather(question.lengths, record)[:, None], _of_rows(question, record, asked), ids)
    ids = tf.where(asked < 0, _take(before, place), ids)
    second = (place >= begin) & (place < end + tf.size(after, tf.int64))
    # With neither special tokens nor a question a token stands in the first place, which means no answer.
    return Windows(ids, tf.cast(second, tf.int32), record, tf.where(place > 0, token, -1))


def _fill(padding, after, place, shape):
    """Return the special ids at the end, and padding behind them."""
    there = (place >= 0) & (place < tf.size(after, tf.int64))
    return tf.where(there, _take(after, place), tf.fill(shape, padding))


def _of_rows(pieces, record, token):
    """Return the ids of tokens, (windows, time), counted from the beginning of their record's pieces."""
    return _take(pieces.ids, token + tf.gather(starts_of(pieces.lengths), record)[:, None])


def _take(ids, places):
    """Return ids at places; what stands at a place that there is not is of no account."""
    ids = tf.concat([ids, tf.zeros([1], ids.dtype)], 0)
    return tf.gather(ids, tf.clip_by_value(places, 0, tf.size(ids, tf.int64) - 1))


def at_most(pieces, length):
    """Return `RaggedIds` of which each text keeps only its first `length`."""
    within = tf.range(tf.size(pieces.ids, tf.int64)) - tf.repeat(starts_of(pieces.lengths), pieces.lengths)
    ids, starts, ends = (tf.boolean_mask(part, within < length) for part in (pieces.ids, pieces.starts, pieces.ends))
    return pieces._replace(ids=ids, lengths=tf.minimum(pieces.lengths, length), starts=starts, ends=ends)


def stretches(texts, pieces, first, last):
    """Return the stretch of each text from its piece `first` to its piece `last`, without blanks around it.

    Three tensors (texts,): the stretch, its first character, the one past its last. Where `first` is -1, "", -1, -1.
    """
    points, counts = decode(texts)
    texts = tf.strings.unicode_encode(tf.RaggedTensor.from_row_lengths(points, counts, validate=False), "UTF-8")
    begin, there = starts_of(pieces.lengths), first >= 0
    start = tf.where(there, _take(pieces.starts, begin + first), 0)
    end = tf.where(there, _take(pieces.ends, begin + last), 0)
    cut = tf.strings.substr(texts, start, end - start, "UTF8_CHAR")
    stripped = tf.strings.regex_replace(cut, f"^{BLANKS}+", "")
    start += _characters(cut) - _characters(stripped)
    stripped = tf.strings.regex_replace(stripped, f"{BLANKS}+$", "")
    return stripped, tf.where(there, start, -1), tf.where(there, start + _characters(stripped), -1)


def _characters(texts):
    return tf.cast(tf.strings.length(texts, "UTF8_CHAR"), tf.int64)
