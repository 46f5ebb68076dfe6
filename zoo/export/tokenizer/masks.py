"""Mask tokens inside a graph, as in `zoo.objectives.masked_token`: encode texts with masks, fill masks with words."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer, join


class MaskedTexts(NamedTuple):
    """A batch of texts with masks, for a masked language model."""

    ids: tf.Tensor  # (rows, time)
    mask_positions: tf.Tensor  # (rows, masks) positions of masks among the ids; -1 where a text has fewer
    parts: tf.RaggedTensor  # (rows, parts) strings before, between and after the masks


def encode_masks(
    tokenizer: GraphTokenizer, texts: tf.Tensor, mark: str, mask: int, length: int, padding: int
) -> MaskedTexts:
    """The `MaskedTexts` of texts, (rows,) strings; the string `mark` stands for the id `mask`.

    Rows are truncated to `length` ids.
    """
    parts, special_ids = tf.strings.split(texts, mark), tokenizer.template.special_ids(1, length)
    ids, lengths = tokenizer.ragged_ids(parts.values)[:2]
    part_ids = tf.RaggedTensor.from_row_lengths(ids, lengths, validate=False)
    part_ids = tf.concat([tf.fill([tf.size(lengths), 1], mask), part_ids], axis=1)
    splits = tf.gather(part_ids.row_splits, parts.row_splits)
    text_ids = tf.RaggedTensor.from_row_splits(part_ids.values, splits, validate=False)
    text_ids = text_ids[:, 1 : 1 + length - sum(map(len, special_ids))]  # no mask precedes the first part
    column = text_ids.flat_values, text_ids.row_lengths()
    rows = join([column], special_ids, tf.size(texts, tf.int64))
    positions = tf.ragged.boolean_mask(tf.ragged.range(tf.cast(rows.row_lengths(), tf.int32)), tf.equal(rows, mask))
    return MaskedTexts(rows.to_tensor(padding), positions.to_tensor(-1), parts)


def fill_masks(parts: tf.RaggedTensor, words: tf.Tensor, filled: tf.Tensor, mark: str) -> tf.Tensor:
    """Texts, (rows,), with `words`, (rows, masks) strings, between their parts; `mark` where `filled` is False."""
    masks = tf.sequence_mask(parts.row_lengths() - 1, parts.bounding_shape()[1])
    words = tf.where(filled, words, mark)
    missing = tf.shape(masks)[1] - tf.shape(words)[1]  # truncated masks, and the end of the last part
    words = tf.pad(words, [[0, 0], [0, missing]], constant_values=mark)
    return tf.strings.reduce_join(tf.strings.join([parts.to_tensor(""), tf.where(masks, words, "")]), axis=1)
