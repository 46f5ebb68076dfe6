"""Ragged rows as one flat tensor and the length of each row; int64 throughout.

Plain functions in place of `tf.RaggedTensor`, whose checks make a graph larger and slower to trace.
"""

from collections.abc import Sequence

import tensorflow as tf


def row_starts(lengths: tf.Tensor) -> tf.Tensor:
    """The index at which each row starts in the flat tensor, (rows,)."""
    return tf.cumsum(lengths, exclusive=True)


def row_ids(lengths: tf.Tensor) -> tf.Tensor:
    """The row of each item, (items,)."""
    ends = tf.cumsum(lengths)
    return tf.searchsorted(ends, tf.range(tf.reduce_sum(lengths)), side="right", out_type=tf.int64)


def row_lengths(rows: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """The number of items in each of `total` rows, (total,), from the row of each item."""
    return tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, total)


def gather_runs(values: tf.Tensor, starts: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Runs of `values`, one after another, from each of `starts` on, as long as each of `lengths`."""
    rows = row_ids(lengths)
    index = tf.range(tf.size(rows, tf.int64)) - tf.gather(row_starts(lengths), rows)
    return tf.gather(values, tf.gather(starts, rows) + index)


def shift_right(values: tf.Tensor, first: int) -> tf.Tensor:
    """The left neighbour of each item; `first` for the first item."""
    return tf.concat([tf.fill([1], tf.cast(first, values.dtype)), values], 0)[:-1]


def shift_left(values: tf.Tensor, last: int) -> tf.Tensor:
    """The right neighbour of each item; `last` for the last item."""
    return tf.concat([values, tf.fill([1], tf.cast(last, values.dtype))], 0)[1:]


def lookup(names: Sequence[str], indices: tf.Tensor, mask: tf.Tensor | bool = True) -> tf.Tensor:
    """The string of each index into the list `names`; "" where `mask` is False."""
    return tf.where(mask, tf.gather(names, indices), "")


def with_prefix(prefix: str, texts: tf.Tensor) -> tf.Tensor:
    """Texts, (rows,) strings, with a string before each."""
    return tf.strings.join([prefix, texts]) if prefix else texts
