"""Byte-pair encoding (BPE) inside a graph: each round merges the pair of lowest rank in every word at once.

A round merges all occurrences of a word's best pair, from the left. That equals merging them one by one, as long as no
merge makes a pair that was learned earlier than the merge itself. A trained vocabulary has such pairs (`out_of_order`)
where it learned a token in two ways; they are merged at one position a round.
"""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import row_ids, row_lengths, shift_left, shift_right
from zoo.export.tokenizer.subword_models import SubwordModel, hash_table

_NEVER = np.iinfo(np.int64).max  # the rank of a pair that is never merged


class BytePairs(SubwordModel):
    """Byte-level BPE model: a word that is no token is split into bytes, whose pairs are merged by rank.

    Args:
        vocabulary: the id of each word that is a token.
        byte_ids: the 256 ids of bytes.
        merges: (left, right, merged) ids in the order learned.
        token_bytes: the bytes of each id that merges make or use.
    """

    unit = "BYTE"

    def __init__(self, vocabulary: dict[bytes, int], byte_ids: list[int], merges: list, token_bytes: dict[int, bytes]):
        super().__init__(vocabulary)
        left, right, merged = np.array(merges, np.int64).reshape(-1, 3).T
        self.base = int(max(token_bytes)) + 1
        ranks = dict(zip((left * self.base + right).tolist(), range(len(left)), strict=True))
        self.ranks = hash_table(ranks or {-1: _NEVER}, _NEVER, tf.int64, tf.int64)
        self.merged = tf.constant(merged if len(merged) else [0], tf.int64)
        self.byte_ids = tf.constant(np.array(byte_ids, np.int64))
        self.lengths = tf.constant([len(token_bytes.get(id, b"")) for id in range(self.base)], tf.int64)
        self.out_of_order = _out_of_order(left, right, merged)
        self.adjacent = tf.constant(_adjacent(token_bytes[id] for id in merged.tolist()))

    def split(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64; the words are all different."""
        values = tf.cast(tf.io.decode_raw(tf.strings.reduce_join(words), tf.uint8), tf.int64)
        rows = row_ids(tf.cast(tf.strings.length(words), tf.int64))
        ids, begins = self.symbols(words, values)
        boundary = ~tf.gather(self.adjacent, shift_right(values, 0) * 256 + values) | (rows != shift_right(rows, -1))
        boundary &= begins
        parts = tf.cumsum(tf.cast(boundary, tf.int64)) - 1  # no merge crosses the boundary between two parts
        ids, id_parts = self._merge(tf.boolean_mask(ids, begins), tf.boolean_mask(parts, begins))
        rows = tf.gather(tf.boolean_mask(rows, boundary), id_parts)
        return tf.cast(ids, tf.int32), row_lengths(rows, tf.size(words, tf.int64))

    def symbols(self, words: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The id with which merging starts at each byte of the words, and whether one does; (bytes,) int64 and bool.

        Args:
            values: the bytes of all words, (bytes,) int64.
        """
        return tf.gather(self.byte_ids, values), tf.ones_like(values, tf.bool)

    def sizes(self, ids: tf.Tensor, lengths: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """The bytes of its word that each id covers, int64, from the words and the result of a call."""
        return tf.gather(self.lengths, ids)

    def _merge(self, ids, parts):
        """The ids after all merges, and the part of each, in order."""
        empty = tf.zeros([0], tf.int64)
        state = [ids, parts, empty, empty]
        shapes = [tf.TensorShape([None])] * len(state)
        *_, ids, parts = tf.while_loop(lambda ids, *_: tf.size(ids) > 0, self._round, state, shapes)
        order = tf.argsort(parts, stable=True)
        return tf.gather(ids, order), tf.gather(parts, order)

    def _round(self, ids, parts, finished_ids, finished_parts):
        """Merge the best pair of every part; parts without a pair are finished."""
        pairs = ids * self.base + shift_left(ids, 0)
        ranks = tf.where(parts == shift_left(parts, -1), self.ranks.lookup(pairs), _NEVER)
        part_index = _renumber(parts)
        best = tf.gather(tf.math.segment_min(ranks, part_index), part_index)
        active = best != _NEVER
        finished_ids, finished_parts = (
            tf.concat([finished, tf.boolean_mask(values, ~active)], 0)
            for finished, values in ((finished_ids, ids), (finished_parts, parts))
        )
        ids, parts, ranks, best = (tf.boolean_mask(values, active) for values in (ids, parts, ranks, best))
        merge = self._drop_overlaps(ranks == best, parts, best)
        ids = tf.where(merge, tf.gather(self.merged, tf.where(merge, ranks, 0)), ids)
        remaining = ~shift_right(merge, False)
        return tf.boolean_mask(ids, remaining), tf.boolean_mask(parts, remaining), finished_ids, finished_parts

    def _drop_overlaps(self, candidates, parts, best):
        """The candidates that overlap no candidate further left; of an out-of-order pair only the first in its part."""
        position = tf.range(tf.size(candidates, tf.int64))
        starts = candidates & ~shift_right(candidates, False)
        run = tf.cumsum(tf.cast(starts, tf.int64)) - 1
        first = tf.gather(tf.boolean_mask(position, starts), tf.maximum(run, 0))
        candidates &= (position - first) % 2 == 0
        if not self.out_of_order.any():
            return candidates
        part_index = _renumber(parts)
        earliest = tf.gather(tf.math.segment_min(tf.where(candidates, position, _NEVER), part_index), part_index)
        return candidates & (~tf.gather(self.out_of_order, best) | (position == earliest))


def _renumber(parts):
    """The parts, renumbered without gaps."""
    return tf.cumsum(tf.cast(parts != shift_right(parts, -1), tf.int64)) - 1


def _out_of_order(left, right, merged):
    """For each pair whether merging it can make a pair that was learned earlier, (pairs,) bool."""
    earliest = {}
    for rank, pair in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        for id in pair:
            earliest.setdefault(id, rank)
    return np.array([earliest.get(id, rank) < rank for rank, id in enumerate(merged.tolist())], bool)


def _adjacent(tokens):
    """For each two bytes whether they are neighbours in some token, (65536,) bool; no merge crosses other pairs."""
    adjacent = np.zeros(65536, bool)
    for token in tokens:
        values = np.frombuffer(token, np.uint8).astype(np.int64)
        adjacent[values[:-1] * 256 + values[1:]] = True
    return adjacent
