"""Mask tokens inside a graph, as in `zoo.data.mask_text`: encode texts with masks, fill masks with words."""

import re
from typing import NamedTuple

import tensorflow as tf

from zoo.data.mask_text import ALIAS, BLANKS, MASK
from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer, join


class MaskedTexts(NamedTuple):
    """A batch of texts with masks, for a masked language model."""

    ids: tf.Tensor  # (rows, time)
    mask_positions: tf.Tensor  # (rows, masks) positions of masks among the ids; -1 where a text has fewer
    parts: tf.RaggedTensor  # (rows, parts) strings before, between and after the masks


class MaskReader:
    """Encodes texts with masks.

    Args:
        tokenizer: the `GraphTokenizer`.
        mask: the id of the mask token.
        takes_blank: whether a mask takes the blanks before it along.
    """

    def __init__(self, tokenizer: GraphTokenizer, mask: int, takes_blank: bool):
        self.tokenizer, self.mask, self.takes_blank = tokenizer, mask, takes_blank

    def __call__(self, texts: tf.Tensor, length: int, padding: int) -> MaskedTexts:
        """The `MaskedTexts` of texts, (rows,) strings; rows are truncated to `length` ids."""
        texts = tf.strings.regex_replace(texts, ALIAS, MASK)
        encoded = tf.strings.regex_replace(texts, f"{BLANKS}+{re.escape(MASK)}", MASK) if self.takes_blank else texts
        parts, special_ids = tf.strings.split(encoded, MASK), self.tokenizer.template.special_ids(1, length)
        ids, lengths = self.tokenizer.ragged_ids(parts.values)[:2]
        part_ids = tf.RaggedTensor.from_row_lengths(ids, lengths, validate=False)
        part_ids = tf.concat([tf.fill([tf.size(lengths), 1], self.mask), part_ids], axis=1)
        splits = tf.gather(part_ids.row_splits, parts.row_splits)
        text_ids = tf.RaggedTensor.from_row_splits(part_ids.values, splits, validate=False)
        text_ids = text_ids[:, 1 : 1 + length - sum(map(len, special_ids))]  # no mask precedes the first part
        column = text_ids.flat_values, text_ids.row_lengths()
        rows = join([column], special_ids, tf.size(texts, tf.int64))
        mask_ids = tf.equal(rows, self.mask)
        positions = tf.ragged.boolean_mask(tf.ragged.range(tf.cast(rows.row_lengths(), tf.int32)), mask_ids)
        return MaskedTexts(rows.to_tensor(padding), positions.to_tensor(-1), tf.strings.split(texts, MASK))


def fill_masks(parts: tf.RaggedTensor, words: tf.Tensor, strip: tf.Tensor, filled: tf.Tensor) -> tf.Tensor:
    """Texts, (rows,), with `words`, (rows, masks) strings, between their parts; [MASK] where `filled` is False.

    `strip`, (rows, masks), tells where the blanks before a mask are left out. The first word of a text begins without
    a blank.
    """
    masks = tf.sequence_mask(parts.row_lengths() - 1, parts.bounding_shape()[1])
    words = tf.where(filled, words, MASK)
    missing = tf.shape(masks)[1] - tf.shape(words)[1]  # truncated masks, and the end of the last part
    words = tf.pad(words, [[0, 0], [0, missing]], constant_values=MASK)
    strip = tf.pad(strip, [[0, 0], [0, missing]])
    before = parts.to_tensor("")
    before = tf.where(strip, tf.strings.regex_replace(before, f"{BLANKS}+$", ""), before)
    first = tf.equal(tf.range(tf.shape(before)[1]), 0)[None] & tf.equal(before, "")
    words = tf.where(first, tf.strings.regex_replace(words, "^ +", ""), words)
    return tf.strings.reduce_join(tf.strings.join([before, tf.where(masks, words, "")]), axis=1)
