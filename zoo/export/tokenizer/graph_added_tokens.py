"""Tokens that were added to a vocabulary, found inside a graph before anything else is done to a text."""

import re
from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.characters import PointTable, decode
from zoo.export.tokenizer.ragged import rows_of, shift, starts_of
from zoo.export.tokenizer.subword_models import UNSEEN, table
from zoo.export.tokenizer.unicode_tables import clinging

MARK = b"\xff"  # in no text of UTF-8


class Stretch(NamedTuple):
    """What texts consist of, one after another: added tokens and what is between."""

    text: tf.Tensor  # (stretches,) strings
    id: tf.Tensor  # (stretches,) int32: of an added token, else UNSEEN
    row: tf.Tensor  # (stretches,) int64: the text that it is of
    size: tf.Tensor  # (stretches,) int64: its characters


class AddedReader(tf.Module):
    """Gives an id to each added token that stands as a word of its own, and leaves what is between to a reader.

    They are found as the library finds them: from the left, the longest one, whether it then stands alone or not.
    """

    def __init__(self, reader, added, passed):
        """`added`: the id of each token; `passed`: special tokens, which are found but which no text becomes."""
        super().__init__()
        self.reader, self.ids, self.clinging = reader, table(added, UNSEEN), PointTable(clinging())
        longest = sorted({*added, *passed}, key=len, reverse=True)
        self.pattern = f"({'|'.join(map(re.escape, longest))})"

    def __call__(self, texts):
        """Return the `RaggedIds` of texts."""
        stretches, total = self._joined(self._parts(texts)), tf.size(texts, tf.int64)
        token = stretches.id != UNSEEN
        between = self.reader(tf.where(token, "", stretches.text))
        sizes = tf.math.unsorted_segment_sum(stretches.size, stretches.row, total)
        places = starts_of(stretches.size) - tf.gather(starts_of(sizes), stretches.row)
        lengths = between.lengths + tf.cast(token, tf.int64)
        lengths = tf.math.unsorted_segment_sum(lengths, stretches.row, total)
        return self._in_order(between, stretches, tf.where(token)[:, 0], places)._replace(lengths=lengths)

    def _in_order(self, between, stretches, tokens, places):
        """Return the pieces between tokens and the tokens in the order of stretches, which begin at `places`."""
        owners = rows_of(between.lengths)
        order = tf.argsort(tf.concat([owners, tokens], 0), stable=True)
        here, there = tf.gather(places, owners), tf.gather(places, tokens)
        columns = {
            "ids": (between.ids, tf.gather(stretches.id, tokens)),
            "starts": (here + between.starts, there),
            "ends": (here + between.ends, there + tf.gather(stretches.size, tokens)),
        }
        return between._replace(**{name: tf.gather(tf.concat(pair, 0), order) for name, pair in columns.items()})

    def _parts(self, texts):
        """Return what the tokens that are found cut texts into, a `Stretch`."""
        whole = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        marked = tf.strings.regex_replace(whole, self.pattern, MARK + rb"\0" + MARK)
        split = tf.strings.split(marked, MARK)
        parts, rows = split.values, rows_of(split.row_lengths())
        points, sizes = decode(parts)
        clings = self._clings(points, rows, sizes)
        return Stretch(parts, tf.where(clings, UNSEEN, self.ids.lookup(parts)), rows, sizes)

    def _clings(self, points, rows, sizes):
        """Return whether a letter of its own text stands beside each part, (parts,) bool."""
        letters = tf.pad(self.clinging(points), [[1, 1]])
        owners = tf.pad(tf.repeat(rows, sizes), [[1, 1]], constant_values=-1)
        beside = (starts_of(sizes), starts_of(sizes) + sizes + 1)
        return tf.reduce_any([tf.gather(letters, i) & (tf.gather(owners, i) == rows) for i in beside], 0)

    def _joined(self, parts):
        """Return the stretches that parts make: a token, or all from one to the next."""
        token = parts.id != UNSEEN
        begins = token | shift(token, True) | (parts.row != shift(parts.row, -1))
        number, first = tf.cumsum(tf.cast(begins, tf.int64)) - 1, tf.where(begins)[:, 0]
        total = tf.size(first, tf.int64)
        text = tf.strings.unsorted_segment_join(parts.text, number, total)
        sizes = tf.math.unsorted_segment_sum(parts.size, number, total)
        return Stretch(text, tf.gather(parts.id, first), tf.gather(parts.row, first), sizes)
