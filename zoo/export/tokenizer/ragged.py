"""Rows of different lengths as one flat tensor and the number of items in each row; int64 throughout."""

import tensorflow as tf


def starts_of(lengths):
    """Return where each row starts in the flat tensor, (rows,)."""
    return tf.cumsum(lengths, exclusive=True)


def rows_of(lengths):
    """Return the row of each item, (items,)."""
    ends = tf.cumsum(lengths)
    return tf.searchsorted(ends, tf.range(tf.reduce_sum(lengths)), side="right", out_type=tf.int64)


def count_rows(rows, total):
    """Return the number of items in each of `total` rows, given the row of each item, (total,)."""
    return tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, total)


def gather_runs(values, starts, lengths):
    """Return runs of `values`, one after another: each of its own start and length."""
    rows = rows_of(lengths)
    within = tf.range(tf.size(rows, tf.int64)) - tf.gather(starts_of(lengths), rows)
    return tf.gather(values, tf.gather(starts, rows) + within)


def shift(values, first):
    """Return each item's left neighbour; `first` for the first item."""
    return tf.concat([tf.fill([1], tf.cast(first, values.dtype)), values], 0)[:-1]


def shift_back(values, last):
    """Return each item's right neighbour; `last` for the last item."""
    return tf.concat([values, tf.fill([1], tf.cast(last, values.dtype))], 0)[1:]


def named(names, numbers, there=True):
    """Return the strings that numbers stand for, "" where none is `there`."""
    return tf.where(there, tf.gather(names, numbers), "")
