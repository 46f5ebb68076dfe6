"""SentencePiece tokenizers inside a graph: spaces become "▁", and words are split by a unigram model."""

from collections.abc import Callable

import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable
from zoo.export.tokenizer.ragged import row_lengths, shift_right
from zoo.export.tokenizer.readers import RaggedIds, characters
from zoo.export.tokenizer.unicode_tables import members
from zoo.export.tokenizer.unigram import Unigram

MARK = ord("▁")  # stands for a space, as a part of the word after it
SPACE = ord(" ")


class SentencePieceReader(tf.Module):
    """Encodes text whose spaces are parts of words.

    Args:
        normalizer: a normaliser: code points and their texts to those of the normalised texts.
        model: the `Unigram` model.
        split_whitespace: whether words end at any white space, which is left out.
        prefix: "always": "▁" stands before every word, or before every text without `split_whitespace`; "first": only
            before a text; "never".
        split: whether each "▁" begins a word.
    """

    def __init__(
        self, normalizer: Callable, model: Unigram, split_whitespace: bool, prefix: str = "always", split: bool = True
    ):
        super().__init__()
        self.normalizer, self.model, self.prefix, self.split = normalizer, model, prefix, split
        self.whitespace = CodePointTable(members(r"\s")) if split_whitespace else None

    def __call__(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings."""
        points, rows, positions = characters(texts)
        points, origins, _ = self.normalizer(points, rows)
        rows, positions = tf.gather(rows, origins), tf.gather(positions, origins)
        points, rows, positions, starts = self._mark_spaces(points, rows, positions)
        starts = starts | (points == MARK) if self.split else starts
        words = tf.where(starts)[:, 0]
        lengths = row_lengths(tf.cumsum(tf.cast(starts, tf.int64)) - 1, tf.size(words, tf.int64))
        pieces = self.model(points, lengths)
        word = tf.repeat(tf.range(tf.size(words, tf.int64)), pieces.lengths)
        begin = tf.gather(words, word)
        counts = tf.math.unsorted_segment_sum(pieces.lengths, tf.gather(rows, words), tf.size(texts, tf.int64))
        first = tf.gather(positions, begin + pieces.starts)
        return RaggedIds(pieces.ids, counts, first, tf.gather(positions, begin + pieces.ends - 1) + 1)

    def _mark_spaces(self, points, rows, positions):
        """The characters with "▁" for spaces and before words, their texts and positions, and where parts begin."""
        first = rows != shift_right(rows, -1)
        starts, at_beginning = first, first
        if self.whitespace:
            whitespace = self.whitespace(points)
            starts = ~whitespace & (first | shift_right(whitespace, True))
            keep = tf.where(~whitespace)[:, 0]
            points, rows, positions, starts, first = (
                tf.gather(x, keep) for x in (points, rows, positions, starts, first)
            )
            at_beginning = first
        points = tf.where(points == SPACE, MARK, points)
        prefixed = {"always": starts, "first": starts & at_beginning, "never": tf.zeros_like(starts)}[self.prefix]
        added = prefixed & (points != MARK)
        number = tf.range(tf.size(points, tf.int64))
        index = tf.repeat(number, 1 + tf.cast(added, tf.int64))
        inserted = tf.gather(added, index) & (index != shift_right(index, -1))
        points, rows, positions, starts = (tf.gather(column, index) for column in (points, rows, positions, starts))
        starts &= ~shift_right(inserted, False)
        return tf.where(inserted, MARK, points), rows, positions, starts
