"""From a batch of strings to ids inside a graph: the three kinds of tokenizer."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.characters import PointTable, decode
from zoo.export.tokenizer.ragged import count_rows, rows_of, starts_of


class RaggedIds(NamedTuple):
    """What a batch of texts consists of, one after another."""

    ids: tf.Tensor  # (pieces,) int32
    lengths: tf.Tensor  # (texts,) int64: how many each text has
    starts: tf.Tensor  # (pieces,) int64: first character of its own text that a piece stands for
    ends: tf.Tensor  # (pieces,) int64: the one past the last


class WordReader(tf.Module):
    """Text to characters to words to ids."""

    def __init__(self, normalizer, split, model, prefix=False):
        """`prefix`: whether a text that does not begin with a space gets one."""
        super().__init__()
        self.normalizer, self.split, self.model, self.prefix = normalizer, split, model, prefix

    def __call__(self, texts):
        """Return the `RaggedIds` of texts."""
        points, rows, places = characters(texts, self.prefix)
        points, origins, lonely = self.normalizer(points, rows)
        words, owners, points, origins = self._words(points, tf.gather(rows, origins), origins, lonely)
        ids, lengths = self.model(words)
        places = tf.gather(places, origins)
        places = tf.repeat(places, _bytes_of(points)) if self.model.unit == "BYTE" else places
        starts, ends = _spans(places, self.model.sizes(ids, lengths, words))
        return RaggedIds(ids, tf.math.unsorted_segment_sum(lengths, owners, tf.size(texts, tf.int64)), starts, ends)

    def _words(self, points, rows, origins, lonely):
        """Return the words, strings, and the text each is of; and their characters with where each comes from."""
        begins, kept = self.split(points, rows, lonely)
        kept = tf.where(kept)[:, 0]
        points, rows, origins, begins = (tf.gather(values, kept) for values in (points, rows, origins, begins))
        starts = tf.where(begins)[:, 0]
        letters = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        return tf.strings.unicode_encode(letters, "UTF-8"), tf.gather(rows, starts), points, origins


class CharacterReader(tf.Module):
    """Text to characters to ids."""

    def __init__(self, normalizer, ids):
        """`ids`: the id of each code point, (0x110000,) int32."""
        super().__init__()
        self.normalizer, self.ids = normalizer, PointTable(ids)

    def __call__(self, texts):
        """Return the `RaggedIds` of texts."""
        points, rows, places = characters(texts)
        points, origins, _ = self.normalizer(points, rows)
        starts = tf.gather(places, origins)
        lengths = count_rows(tf.gather(rows, origins), tf.size(texts, tf.int64))
        return RaggedIds(self.ids(points), lengths, starts, starts + 1)


class ByteReader(tf.Module):
    """Text to bytes to ids."""

    def __init__(self, ids, prefix=False):
        """`ids`: the id of each byte, 256 of them. `prefix`: whether a text that begins with no space gets one."""
        super().__init__()
        self.ids, self.prefix = tf.constant(ids, tf.int32), prefix

    def __call__(self, texts):
        """Return the `RaggedIds` of texts."""
        points, rows, places = characters(texts, self.prefix)
        sizes = _bytes_of(points)
        values = tf.io.decode_raw(tf.strings.unicode_encode(points, "UTF-8"), tf.uint8)
        lengths = tf.math.unsorted_segment_sum(sizes, rows, tf.size(texts, tf.int64))
        starts = tf.repeat(places, sizes)
        return RaggedIds(tf.gather(self.ids, tf.cast(values, tf.int32)), lengths, starts, starts + 1)


def characters(texts, prefix=False):
    """Return the code points of all texts, with `prefix` after a space, the text each is of, and its place there.

    Each broken part of UTF-8 becomes one U+FFFD, as Python's `bytes.decode` makes it. The space that was not there has
    the place of the character that was first.
    """
    whole = _with_space(texts) if prefix else texts
    points, counts = decode(whole)
    rows = rows_of(counts)
    places = tf.range(tf.size(points, tf.int64)) - tf.gather(starts_of(counts), rows)
    added = tf.cast(tf.strings.length(whole) - tf.strings.length(texts), tf.int64)
    return points, rows, tf.maximum(places - tf.gather(added, rows), 0)


def _bytes_of(points):
    """Return how many bytes of UTF-8 each code point takes, int64."""
    return 1 + tf.add_n([tf.cast(points >= least, tf.int64) for least in (0x80, 0x800, 0x10000)])


def _spans(places, sizes):
    """Return first and past-the-last character of pieces, given each unit's character and each piece's units."""
    ends = tf.cumsum(sizes)
    return tf.gather(places, ends - sizes), tf.gather(places, ends - 1) + 1


def _with_space(texts):
    """Return the texts with a space before each that is not empty and does not begin with one."""
    has = tf.strings.regex_full_match(texts, r"(?s)(?: \C*)?")
    return tf.where(has, texts, tf.strings.join([" ", texts]))
