"""Added tokens inside a graph, matched before the text around them is normalised and split."""

import re
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable, decode
from zoo.export.tokenizer.ragged import row_ids, row_starts, shift_right
from zoo.export.tokenizer.readers import RaggedIds
from zoo.export.tokenizer.subword_models import UNSEEN, hash_table
from zoo.export.tokenizer.unicode_tables import joins_added_tokens

MARK = b"\xff"  # in no text of UTF-8


class Segments(NamedTuple):
    """Texts cut into added tokens and the text between them, one segment after another."""

    text: tf.Tensor  # (segments,) strings
    id: tf.Tensor  # (segments,) int32: of an added token, else UNSEEN
    row: tf.Tensor  # (segments,) int64: the text that the segment is part of
    size: tf.Tensor  # (segments,) int64: number of characters


class AddedTokenReader(tf.Module):
    """An id for each added token; the text between is encoded by another reader.

    Tokens are matched as in the library: from the left, the longest, even if only a shorter one is a separate word.

    Args:
        reader: encodes the text between tokens.
        added: the id of each added token.
        skipped: special tokens, which are matched and never become an id.
        separate: the added tokens that become an id only where they are a separate word.
    """

    def __init__(
        self,
        reader: Callable[[tf.Tensor], RaggedIds],
        added: dict[str, int],
        skipped: set[str],
        separate: set[str],
    ):
        super().__init__()
        self.reader, self.ids = reader, hash_table(added, UNSEEN)
        self.separate = hash_table(dict.fromkeys(separate or {""}, 1), 0)
        self.joins = CodePointTable(joins_added_tokens())
        longest_first = sorted({*added, *skipped}, key=len, reverse=True)
        self.pattern = f"({'|'.join(map(re.escape, longest_first))})"

    def __call__(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings."""
        segments, total = self._join_text(self._matches(texts)), tf.size(texts, tf.int64)
        token = segments.id != UNSEEN
        encoded = self.reader(tf.where(token, "", segments.text))
        sizes = tf.math.unsorted_segment_sum(segments.size, segments.row, total)
        offsets = row_starts(segments.size) - tf.gather(row_starts(sizes), segments.row)
        lengths = encoded.lengths + tf.cast(token, tf.int64)
        lengths = tf.math.unsorted_segment_sum(lengths, segments.row, total)
        return self._interleave(encoded, segments, tf.where(token)[:, 0], offsets)._replace(lengths=lengths)

    def _interleave(self, encoded, segments, tokens, offsets):
        """The ids of added tokens and of the text between them, in the order of segments, which begin at `offsets`."""
        rows = row_ids(encoded.lengths)
        order = tf.argsort(tf.concat([rows, tokens], 0), stable=True)
        text_offsets, token_offsets = tf.gather(offsets, rows), tf.gather(offsets, tokens)
        columns = {
            "ids": (encoded.ids, tf.gather(segments.id, tokens)),
            "starts": (text_offsets + encoded.starts, token_offsets),
            "ends": (text_offsets + encoded.ends, token_offsets + tf.gather(segments.size, tokens)),
        }
        return encoded._replace(**{name: tf.gather(tf.concat(pair, 0), order) for name, pair in columns.items()})

    def _matches(self, texts):
        """The `Segments` between and at all matches; a match inside a longer word has no id."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        split = tf.strings.split(tf.strings.regex_replace(texts, self.pattern, MARK + rb"\0" + MARK), MARK)
        parts, rows = split.values, row_ids(split.row_lengths())
        points, sizes = decode(parts)
        inside_word = self._inside_word(points, rows, sizes) & (self.separate.lookup(parts) > 0)
        return Segments(parts, tf.where(inside_word, UNSEEN, self.ids.lookup(parts)), rows, sizes)

    def _inside_word(self, points, rows, sizes):
        """Whether each part has a word character of its own text as a neighbour, (parts,) bool."""
        joins = tf.pad(self.joins(points), [[1, 1]])
        point_rows = tf.pad(tf.repeat(rows, sizes), [[1, 1]], constant_values=-1)
        neighbours = (row_starts(sizes), row_starts(sizes) + sizes + 1)
        return tf.reduce_any([tf.gather(joins, i) & (tf.gather(point_rows, i) == rows) for i in neighbours], 0)

    def _join_text(self, parts):
        """The segments, with all parts between two tokens joined."""
        token = parts.id != UNSEEN
        starts = token | shift_right(token, True) | (parts.row != shift_right(parts.row, -1))
        index, first = tf.cumsum(tf.cast(starts, tf.int64)) - 1, tf.where(starts)[:, 0]
        total = tf.size(first, tf.int64)
        text = tf.strings.unsorted_segment_join(parts.text, index, total)
        sizes = tf.math.unsorted_segment_sum(parts.size, index, total)
        return Segments(text, tf.gather(parts.id, first), tf.gather(parts.row, first), sizes)
