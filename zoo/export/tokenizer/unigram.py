"""Unigram model (Kudo 2018, arXiv:1804.10959) inside a graph: the most probable pieces of all words at once (Viterbi).

Scores are summed in float64 from the left as in the library, so that ties end alike: of equal paths to a character, the
one whose last piece is longest.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import gather_runs, row_ids, row_lengths, row_starts, shift_right
from zoo.export.tokenizer.subword_models import hash_table
from zoo.export.tokenizer.unicode_tables import CODE_POINTS

PENALTY = 10.0  # of an unknown character, below the least probable piece: `K_UNK_PENALTY` of the library
_NONE = -1


class Pieces(NamedTuple):
    """The pieces of words, one word after another, with the characters of the word that each covers."""

    ids: tf.Tensor  # (pieces,) int32
    lengths: tf.Tensor  # (words,) int64: number of pieces of each word
    starts: tf.Tensor  # (pieces,) int64: first character in the word
    ends: tf.Tensor  # (pieces,) int64: past-the-last character


class Unigram(tf.Module):
    """Splits words into the pieces of the highest total score; neighbouring unknown characters are one piece.

    Args:
        vocabulary: (piece, score) of each id.
        unknown: the id of unknown characters.
        byte_ids: the ids of the 256 bytes, which then stand for unknown characters; None for none.
    """

    def __init__(self, vocabulary: list[tuple[str, float]], unknown: int, byte_ids: list[int] | None = None):
        super().__init__()
        moves, pieces = _trie([piece for piece, _ in vocabulary])
        self.moves = hash_table(moves, _NONE, tf.int64, tf.int64)
        self.pieces = tf.constant(pieces)
        self.scores = tf.constant([score for _, score in vocabulary], tf.float64)
        self.unknown, self.unknown_score = unknown, min(score for _, score in vocabulary) - PENALTY
        self.longest = max(len(piece) for piece, _ in vocabulary)
        self.byte_ids = None if byte_ids is None else tf.constant(byte_ids, tf.int32)

    def __call__(self, points: tf.Tensor, lengths: tf.Tensor) -> Pieces:
        """The `Pieces` of words: their code points, one word after another, and the number of characters of each."""
        ids = self._matches(tf.cast(points, tf.int64), row_ids(lengths))
        sizes = self._viterbi(ids, lengths)
        begins, size = _backtrack(sizes, lengths)
        index = tf.where(begins)[:, 0]
        size = tf.gather(size, index)
        piece = tf.gather_nd(ids, tf.stack([index, size - 1], 1))
        return self._finish(piece, index, size, points, lengths)

    def _matches(self, points, rows):
        """(characters, longest) int64: the id of the piece of each size that begins at each character; -1 for none."""
        node, columns = tf.zeros_like(points), []
        alive = tf.ones_like(points, tf.bool)
        for size in range(self.longest):
            following = tf.concat([points[size:], tf.zeros([tf.minimum(size, tf.size(points))], tf.int64)], 0)
            same = tf.concat([rows[size:], tf.fill([tf.minimum(size, tf.size(rows))], tf.constant(-1, tf.int64))], 0)
            alive &= (same == rows) & (node >= 0)
            node = tf.where(alive, self.moves.lookup(tf.where(alive, node, 0) * CODE_POINTS + following), _NONE)
            columns.append(tf.where(node >= 0, tf.gather(self.pieces, tf.maximum(node, 0)), _NONE))
        return tf.stack(columns, 1)

    def _viterbi(self, ids, lengths):
        """For each character the size of the last piece of the best path that ends with it, (characters,) int64."""
        scores = tf.where(ids >= 0, tf.gather(self.scores, tf.maximum(ids, 0)), -np.inf)
        unknown = tf.where(ids[:, :1] < 0, tf.constant(self.unknown_score, tf.float64), scores[:, :1])
        scores = tf.concat([unknown, scores[:, 1:]], 1)
        starts, count = row_starts(lengths), tf.size(lengths)
        backward = tf.range(self.longest, dtype=tf.int64)
        window = tf.concat(
            [tf.zeros([count, 1], tf.float64), tf.fill([count, self.longest - 1], -np.float64(np.inf))], 1
        )
        sizes = tf.TensorArray(tf.int64, 0, dynamic_size=True, element_shape=[None])

        def step(end, window, sizes):
            first = tf.maximum(
                starts[:, None] + end - backward, 0
            )  # the character at which a piece of each size begins
            inside = (backward[None] <= end) & (end < lengths[:, None])
            columns = tf.broadcast_to(backward, tf.shape(first))
            index = tf.stack([tf.minimum(first, tf.shape(scores, tf.int64)[0] - 1), columns], -1)
            total = tf.where(inside, window + tf.gather_nd(scores, index), -np.inf)
            total = tf.reverse(total, [1])  # of equal scores the longest piece
            best = tf.argmax(total, 1)
            sizes = sizes.write(tf.cast(end, tf.int32), self.longest - best)
            return end + 1, tf.concat([tf.reduce_max(total, 1, keepdims=True), window[:, :-1]], 1), sizes

        longest_word = tf.reduce_max(tf.concat([lengths, tf.ones([1], tf.int64)], 0))
        shapes = (tf.TensorShape([]), tf.TensorShape([None, self.longest]), tf.TensorShape(None))
        state = (tf.constant(0, tf.int64), window, sizes)
        _, _, sizes = tf.while_loop(lambda end, *_: end < longest_word, step, state, shapes)
        table = tf.transpose(
            tf.reshape(sizes.stack(), tf.stack([longest_word, tf.size(lengths, tf.int64)]))
        )  # (words, characters)
        return tf.boolean_mask(table, tf.sequence_mask(lengths, longest_word))

    def _finish(self, piece, index, size, points, lengths):
        """Join neighbouring unknown characters of a word; with `byte_ids`, put their bytes in their place."""
        rows = tf.gather(row_ids(lengths), index)
        start = index - tf.gather(row_starts(lengths), rows)
        unknown = piece < 0
        inner = unknown & shift_right(unknown, False) & (rows == shift_right(rows, -1))
        group = tf.cumsum(tf.cast(~inner, tf.int64)) - 1
        first = tf.where(~inner)[:, 0]
        sizes = tf.math.segment_sum(size, group)
        ids, rows, start = (
            tf.gather(values, first)
            for values in (tf.where(unknown, tf.constant(self.unknown, tf.int64), piece), rows, start)
        )
        unknown = tf.gather(unknown, first)
        total = tf.size(lengths, tf.int64)
        result = Pieces(tf.cast(ids, tf.int32), row_lengths(rows, total), start, start + sizes)
        return result if self.byte_ids is None else self._with_bytes(result, rows, unknown, points, lengths)

    def _with_bytes(self, pieces, rows, unknown, points, lengths):
        """The pieces with the bytes of unknown ones, each of which covers all the characters of its piece."""
        begin = tf.gather(row_starts(lengths), rows) + pieces.starts
        texts = tf.RaggedTensor.from_row_lengths(
            gather_runs(points, begin, pieces.ends - pieces.starts), pieces.ends - pieces.starts, validate=False
        )
        strings = tf.where(unknown, tf.strings.unicode_encode(texts, "UTF-8"), "")
        counts = tf.cast(tf.strings.length(strings), tf.int64)
        values = tf.cast(tf.io.decode_raw(tf.strings.reduce_join(strings), tf.uint8), tf.int32)
        ids = tf.concat([tf.gather(self.byte_ids, values), pieces.ids], 0)
        starts = tf.where(unknown, row_starts(counts), tf.size(values, tf.int64) + tf.range(tf.size(rows, tf.int64)))
        counts = tf.where(unknown, counts, 1)
        return Pieces(
            gather_runs(ids, starts, counts),
            row_lengths(tf.repeat(rows, counts), tf.size(lengths, tf.int64)),
            tf.repeat(pieces.starts, counts),
            tf.repeat(pieces.ends, counts),
        )


def _backtrack(sizes, lengths):
    """Whether a piece of the best path begins at each character, and its size, (characters,) both."""
    starts = row_starts(lengths)
    flags, values = tf.zeros_like(sizes), tf.zeros_like(sizes)

    def step(end, flags, values):
        active = tf.where(end > 0)[:, 0]
        last = tf.gather(starts, active) + tf.gather(end, active) - 1
        size = tf.gather(sizes, last)
        first = (last - size + 1)[:, None]
        flags = tf.tensor_scatter_nd_update(flags, first, tf.ones_like(size))
        values = tf.tensor_scatter_nd_update(values, first, size)
        return tf.tensor_scatter_nd_sub(end, active[:, None], size), flags, values

    shapes = (tf.TensorShape([None]),) * 3
    _, flags, values = tf.while_loop(lambda end, *_: tf.reduce_any(end > 0), step, (lengths, flags, values), shapes)
    return flags > 0, values


def _trie(pieces):
    """({node and character: node}, the id of the piece at each node or -1) of a trie; node 0 is the root."""
    moves, ids = {}, [_NONE]
    for id, piece in enumerate(pieces):
        node = 0
        for character in piece:
            key = node * CODE_POINTS + ord(character)
            node = moves.setdefault(key, len(ids))
            if node == len(ids):
                ids.append(_NONE)
        if piece:
            ids[node] = id
    return moves, np.array(ids, np.int64)
