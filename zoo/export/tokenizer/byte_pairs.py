"""Byte-pair encoding inside a graph: in every word at once, the pair that was learned first becomes one.

One round joins all places in a word where its best pair stands, from the left. That equals joining them one by one,
as long as no join makes a pair that was learned earlier than the one joined; such pairs (`hasty`), which a trained
vocabulary has when it learned one token in two ways, join at one place a round.
"""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import count_rows, rows_of, shift, shift_back
from zoo.export.tokenizer.subword_models import SubwordModel, table

_NEVER = np.iinfo(np.int64).max  # the rank of a pair that does not join


class BytePairs(SubwordModel):
    """Splits words that are no token themselves into bytes and joins pairs."""

    unit = "BYTE"  # in which `sizes` are

    def __init__(self, whole, bytes_, merges, spelling):
        """`whole`: words that are one token; `bytes_`: the 256 ids of bytes; `merges`: (left, right, joined) ids in the
        order learned; `spelling`: the bytes of every id that takes part."""
        super().__init__(whole)
        left, right, joined = np.array(merges, np.int64).reshape(-1, 3).T
        self.base = int(max(spelling)) + 1
        self.ranks = table(
            dict(zip((left * self.base + right).tolist(), range(len(left)), strict=True)), _NEVER, tf.int64, tf.int64
        )
        self.joined = tf.constant(joined)
        self.bytes = tf.constant(np.array(bytes_, np.int64))
        self.lengths = tf.constant([len(spelling.get(id, b"")) for id in range(self.base)], tf.int64)
        self.hasty = _hasty(left, right, joined)
        self.meets = tf.constant(_meets(spelling[id] for id in joined.tolist()))

    def split(self, words):
        """Return ids, int32, and how many each word has, int64; the words are all different."""
        values = tf.cast(tf.io.decode_raw(tf.strings.reduce_join(words), tf.uint8), tf.int64)
        owners = rows_of(tf.cast(tf.strings.length(words), tf.int64))
        apart = ~tf.gather(self.meets, shift(values, 0) * 256 + values) | (owners != shift(owners, -1))
        parts = tf.cumsum(tf.cast(apart, tf.int64)) - 1  # stretches that nothing joins to one another
        ids, part_of = self._join(tf.gather(self.bytes, values), parts)
        owners = tf.gather(tf.boolean_mask(owners, apart), part_of)
        return tf.cast(ids, tf.int32), count_rows(owners, tf.size(words, tf.int64))

    def sizes(self, ids, lengths, words):
        """Return how many bytes of its word each id stands for, int64, given the words and what a call returned."""
        return tf.gather(self.lengths, ids)

    def _join(self, ids, parts):
        """Return the ids left when no pair joins any more, and the part that each is of, in order."""
        nothing = tf.zeros([0], tf.int64)
        state = [ids, parts, nothing, nothing]
        shapes = [tf.TensorShape([None])] * len(state)
        *_, ids, parts = tf.while_loop(lambda ids, *_: tf.size(ids) > 0, self._round, state, shapes)
        order = tf.argsort(parts, stable=True)
        return tf.gather(ids, order), tf.gather(parts, order)

    def _round(self, ids, parts, done, done_parts):
        """Join the best pair of every part; parts without one are done."""
        pairs = ids * self.base + shift_back(ids, 0)
        ranks = tf.where(parts == shift_back(parts, -1), self.ranks.lookup(pairs), _NEVER)
        number = _number(parts)
        best = tf.gather(tf.math.segment_min(ranks, number), number)
        active = best != _NEVER
        idle = [tf.boolean_mask(values, ~active) for values in (ids, parts)]
        ids, parts, ranks, best = (tf.boolean_mask(values, active) for values in (ids, parts, ranks, best))
        chosen = self._from_left(ranks == best, parts, best)
        ids = tf.where(chosen, tf.gather(self.joined, tf.where(chosen, ranks, 0)), ids)
        stay = ~shift(chosen, False)
        return (
            tf.boolean_mask(ids, stay),
            tf.boolean_mask(parts, stay),
            tf.concat([done, idle[0]], 0),
            tf.concat([done_parts, idle[1]], 0),
        )

    def _from_left(self, chosen, parts, best):
        """Return the places chosen that do not overlap one further left; of a hasty pair only the first in its part."""
        place = tf.range(tf.size(chosen, tf.int64))
        starts = chosen & ~shift(chosen, False)
        run = tf.cumsum(tf.cast(starts, tf.int64)) - 1
        first = tf.gather(tf.boolean_mask(place, starts), tf.maximum(run, 0))
        chosen &= (place - first) % 2 == 0
        if not self.hasty.any():
            return chosen
        number = _number(parts)
        earliest = tf.gather(tf.math.segment_min(tf.where(chosen, place, _NEVER), number), number)
        return chosen & (~tf.gather(self.hasty, best) | (place == earliest))


def _number(parts):
    """Return the parts numbered without gaps."""
    return tf.cumsum(tf.cast(parts != shift(parts, -1), tf.int64)) - 1


def _hasty(left, right, joined):
    """Return for each pair whether joining it can make a pair that was learned earlier, (pairs,) bool."""
    earliest = {}
    for rank, pair in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        for id in pair:
            earliest.setdefault(id, rank)
    return np.array([earliest.get(id, rank) < rank for rank, id in enumerate(joined.tolist())], bool)


def _meets(spellings):
    """Return which two bytes stand side by side in some token, (65536,) bool; no join crosses any others."""
    meets = np.zeros(65536, bool)
    for spelling in spellings:
        values = np.frombuffer(spelling, np.uint8).astype(np.int64)
        meets[values[:-1] * 256 + values[1:]] = True
    return meets
