"""From a batch of strings to ids inside a graph: the three kinds of tokenizer."""

import tensorflow as tf

from zoo.tokenizer.graph.characters import PointTable, decode
from zoo.tokenizer.graph.rows import count_rows, rows_of


class WordReader(tf.Module):
    """Text to characters to words to ids."""

    def __init__(self, normalizer, split, model, prefix=False):
        """`prefix`: whether a text that does not begin with a space gets one."""
        super().__init__()
        self.normalizer, self.split, self.model, self.prefix = normalizer, split, model, prefix

    def __call__(self, texts):
        """Return ids, int32, and how many each text has, int64."""
        total = tf.size(texts, tf.int64)
        texts = _with_space(texts) if self.prefix else texts
        points, counts = decode(texts)
        words, rows = self._words(*self.normalizer(points, rows_of(counts)))
        ids, lengths = self.model(words)
        return ids, tf.math.unsorted_segment_sum(lengths, rows, total)

    def _words(self, points, rows, lonely):
        """Return the words, strings, and the text each is of."""
        begins, kept = self.split(points, rows, lonely)
        kept = tf.where(kept)[:, 0]
        points, rows, begins = (tf.gather(values, kept) for values in (points, rows, begins))
        starts = tf.where(begins)[:, 0]
        letters = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        return tf.strings.unicode_encode(letters, "UTF-8"), tf.gather(rows, starts)


class CharacterReader(tf.Module):
    """Text to characters to ids."""

    def __init__(self, normalizer, ids):
        """`ids`: the id of each code point, (0x110000,) int32."""
        super().__init__()
        self.normalizer, self.ids = normalizer, PointTable(ids)

    def __call__(self, texts):
        """Return ids, int32, and how many each text has, int64."""
        points, counts = decode(texts)
        points, rows, _ = self.normalizer(points, rows_of(counts))
        return self.ids(points), count_rows(rows, tf.size(texts, tf.int64))


class ByteReader(tf.Module):
    """Text to bytes to ids."""

    def __init__(self, ids, prefix=False):
        """`ids`: the id of each byte, 256 of them. `prefix`: whether a text that begins with no space gets one."""
        super().__init__()
        self.ids, self.prefix = tf.constant(ids, tf.int32), prefix

    def __call__(self, texts):
        """Return ids, int32, and how many each text has, int64."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = _with_space(texts) if self.prefix else texts
        values = tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8)
        return tf.gather(self.ids, tf.cast(values, tf.int32)), tf.cast(tf.strings.length(texts), tf.int64)


def _with_space(texts):
    """Return the texts with a space before each that is not empty and does not begin with one."""
    has = tf.strings.regex_full_match(texts, r"(?s)(?: \C*)?")
    return tf.where(has, texts, tf.strings.join([" ", texts]))
