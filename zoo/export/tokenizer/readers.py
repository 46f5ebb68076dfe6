"""Encoding inside a graph, a batch of strings to ids: word-based, character and byte tokenizers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable, Identity, Normalizer, decode
from zoo.export.tokenizer.ragged import row_ids, row_lengths, row_starts
from zoo.export.tokenizer.splits import ByteLevelSplit, Split
from zoo.export.tokenizer.subword_models import SubwordModel, WholeWords


class RaggedIds(NamedTuple):
    """The ids of a batch of texts, one text after another, with character offsets."""

    ids: tf.Tensor  # (ids,) int32
    lengths: tf.Tensor  # (texts,) int64: number of ids of each text
    starts: tf.Tensor  # (ids,) int64: first character in the id's own text
    ends: tf.Tensor  # (ids,) int64: past-the-last character


class WordReader(tf.Module):
    """Encodes text that is split into words, which a word-level or subword model turns into ids.

    Args:
        normalizer: a `characters.Normalizer` or `Identity`.
        split: a `splits.Split` or `ByteLevelSplit`.
        model: a `subword_models.WholeWords` or `SubwordModel`.
        prefix_space: whether a text that does not begin with a space gets one.
    """

    def __init__(
        self,
        normalizer: Normalizer | Identity,
        split: Split | ByteLevelSplit,
        model: WholeWords | SubwordModel,
        prefix_space: bool = False,
    ):
        super().__init__()
        self.normalizer, self.split, self.model, self.prefix_space = normalizer, split, model, prefix_space

    def __call__(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings."""
        points, rows, positions = characters(texts, self.prefix_space)
        points, origins, isolated = self.normalizer(points, rows)
        words, word_rows, points, origins = self._words(points, tf.gather(rows, origins), origins, isolated)
        ids, lengths = self.model(words)
        positions = tf.gather(positions, origins)
        positions = tf.repeat(positions, _utf8_lengths(points)) if self.model.unit == "BYTE" else positions
        starts, ends = _spans(positions, self.model.sizes(ids, lengths, words))
        return RaggedIds(ids, tf.math.unsorted_segment_sum(lengths, word_rows, tf.size(texts, tf.int64)), starts, ends)

    def _words(self, points, rows, origins, isolated):
        """The words, strings, and the text of each; their characters, and the index that each comes from."""
        starts, in_word = self.split(points, rows, isolated)
        in_word = tf.where(in_word)[:, 0]
        points, rows, origins, starts = (tf.gather(values, in_word) for values in (points, rows, origins, starts))
        starts = tf.where(starts)[:, 0]
        words = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        return tf.strings.unicode_encode(words, "UTF-8"), tf.gather(rows, starts), points, origins


class CharacterReader(tf.Module):
    """Encodes text with an id for each character.

    Args:
        normalizer: a `characters.Normalizer` or `Identity`.
        ids: the id of each code point, (0x110000,) int32.
    """

    def __init__(self, normalizer: Normalizer | Identity, ids: np.ndarray):
        super().__init__()
        self.normalizer, self.ids = normalizer, CodePointTable(ids)

    def __call__(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings."""
        points, rows, positions = characters(texts)
        points, origins, _ = self.normalizer(points, rows)
        starts = tf.gather(positions, origins)
        lengths = row_lengths(tf.gather(rows, origins), tf.size(texts, tf.int64))
        return RaggedIds(self.ids(points), lengths, starts, starts + 1)


class ByteReader(tf.Module):
    """Encodes text with an id for each byte.

    Args:
        ids: the id of each byte, 256 of them.
        prefix_space: whether a text that does not begin with a space gets one.
    """

    def __init__(self, ids: Sequence[int], prefix_space: bool = False):
        super().__init__()
        self.ids, self.prefix_space = tf.constant(ids, tf.int32), prefix_space

    def __call__(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings."""
        points, rows, positions = characters(texts, self.prefix_space)
        sizes = _utf8_lengths(points)
        values = tf.io.decode_raw(tf.strings.unicode_encode(points, "UTF-8"), tf.uint8)
        lengths = tf.math.unsorted_segment_sum(sizes, rows, tf.size(texts, tf.int64))
        starts = tf.repeat(positions, sizes)
        return RaggedIds(tf.gather(self.ids, tf.cast(values, tf.int32)), lengths, starts, starts + 1)


def characters(texts: tf.Tensor, prefix_space: bool = False) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The code points of all texts, the text of each code point, and its position in that text.

    Each broken part of UTF-8 becomes one U+FFFD, as in Python's `bytes.decode`. An added space has the position of the
    character that follows.
    """
    prefixed = _with_space(texts) if prefix_space else texts
    points, counts = decode(prefixed)
    rows = row_ids(counts)
    positions = tf.range(tf.size(points, tf.int64)) - tf.gather(row_starts(counts), rows)
    added = tf.cast(tf.strings.length(prefixed) - tf.strings.length(texts), tf.int64)
    return points, rows, tf.maximum(positions - tf.gather(added, rows), 0)


def _utf8_lengths(points):
    """The number of UTF-8 bytes of each code point, int64."""
    return 1 + tf.add_n([tf.cast(points >= threshold, tf.int64) for threshold in (0x80, 0x800, 0x10000)])


def _spans(positions, sizes):
    """First and past-the-last character of ids, from the position of each unit and the number of units of each id."""
    ends = tf.cumsum(sizes)
    return tf.gather(positions, ends - sizes), tf.gather(positions, ends - 1) + 1


def _with_space(texts):
    """The texts with a space before each that is not empty and does not begin with a space."""
    unchanged = tf.strings.regex_full_match(texts, r"(?s)(?: \C*)?")
    return tf.where(unchanged, texts, tf.strings.join([" ", texts]))
