"""Texts with masks in them, in a TensorFlow graph, as `zoo.objectives.masked_token` reads them."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import join


class Masked(NamedTuple):
    """Texts that a network reads to guess what is hidden in them."""

    ids: tf.Tensor  # (rows, time)
    places: tf.Tensor  # (rows, masks) of the masks among the ids; -1 where a text has fewer
    parts: tf.RaggedTensor  # (rows, parts) strings before, between and after the masks


def masked(twin, texts, mark, mask, length, padding):
    """Return the `Masked` of texts, a string tensor (N,), in which `mark` stands where the id `mask` is to be read.

    What goes beyond `length` ids is cut.
    """
    parts, around = tf.strings.split(texts, mark), twin.template.special_ids(1, length)
    ids, lengths = twin.pieces(parts.values)[:2]
    pieces = tf.RaggedTensor.from_row_lengths(ids, lengths, validate=False)
    pieces = tf.concat([tf.fill([tf.size(lengths), 1], mask), pieces], axis=1)  # the first mask of a text is none
    splits = tf.gather(pieces.row_splits, parts.row_splits)
    read = tf.RaggedTensor.from_row_splits(pieces.values, splits, validate=False)
    read = read[:, 1 : 1 + length - sum(map(len, around))]
    read = join([(read.flat_values, read.row_lengths())], around, tf.size(texts, tf.int64))
    places = tf.ragged.boolean_mask(tf.ragged.range(tf.cast(read.row_lengths(), tf.int32)), tf.equal(read, mask))
    return Masked(read.to_tensor(padding), places.to_tensor(-1), parts)


def filled(parts, words, there, mark):
    """Return texts, (N,): parts with `words`, (rows, masks) strings, between them, or `mark` where none is `there`."""
    masks = tf.sequence_mask(parts.row_lengths() - 1, parts.bounding_shape()[1])
    words = tf.where(there, words, mark)
    short = tf.shape(masks)[1] - tf.shape(words)[1]  # of masks beyond what was read, and of what follows the last part
    words = tf.pad(words, [[0, 0], [0, short]], constant_values=mark)
    return tf.strings.reduce_join(tf.strings.join([parts.to_tensor(""), tf.where(masks, words, "")]), axis=1)
