"""WordPiece inside a graph: from a word's beginning, again and again the longest piece that the vocabulary has."""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import count_rows, rows_of, shift
from zoo.export.tokenizer.subword_models import UNSEEN, SubwordModel, table


class WordPieces(SubwordModel):
    """All words take a step at once, trying every length of piece; a word that is used up leaves."""

    unit = "UTF8_CHAR"  # in which `sizes` are

    def __init__(self, vocabulary, unknown, prefix, longest):
        """`prefix` marks a piece inside a word; a word of more than `longest` characters is unknown."""
        super().__init__({token: id for token, id in vocabulary.items() if len(token) <= longest})
        inner = {token.removeprefix(prefix): id for token, id in vocabulary.items() if token.startswith(prefix)}
        self.first, self.inner = table(vocabulary, UNSEEN), table(inner or {"": UNSEEN}, UNSEEN)
        self.unknown, self.longest = unknown, longest
        self.steps = tf.range(1, 1 + min(longest, max(map(len, vocabulary))))
        self.letters = tf.constant(_letters(vocabulary)), tf.constant(_letters(vocabulary, prefix))

    def split(self, words):
        """Return ids, int32, and how many each word has, int64; the words are all different."""
        total = tf.size(words, tf.int64)
        fits = tf.strings.length(words, "UTF8_CHAR") <= self.longest
        rows = tf.where(fits)[:, 0]
        ids, rest = self._step(self.first, tf.boolean_mask(words, fits))
        state = [rest, rows, ids, rows]
        shapes = [tf.TensorShape([None])] * len(state)
        _, _, ids, owners = tf.while_loop(lambda rest, *_: tf.size(rest) > 0, self._advance, state, shapes)
        return self._finish(ids, owners, total)

    def sizes(self, ids, lengths, words):
        """Return how many characters of its word each id stands for, int64, given words and what a call returned."""
        whole, owners = tf.strings.length(words, self.unit), rows_of(lengths)
        first, inner = (tf.gather(letters, ids) for letters in self.letters)
        sizes = tf.where(owners == shift(owners, -1), inner, first)
        return tf.cast(tf.where(ids == self.unknown, tf.gather(whole, owners), sizes), tf.int64)

    def _advance(self, rest, rows, ids, owners):
        """Take one piece from the rest of every word that has one."""
        left = tf.strings.length(rest) > 0
        rest, rows = tf.boolean_mask(rest, left), tf.boolean_mask(rows, left)
        new, rest = self._step(self.inner, rest)
        return rest, rows, tf.concat([ids, new], 0), tf.concat([owners, rows], 0)

    def _step(self, pieces, rest):
        """Return the longest piece that begins each rest, UNSEEN if there is none, and what then is left."""
        shape = [tf.size(rest), tf.size(self.steps)]
        lengths = tf.broadcast_to(self.steps, shape)
        heads = tf.strings.substr(tf.broadcast_to(rest[:, None], shape), tf.zeros_like(lengths), lengths, "UTF8_CHAR")
        ids = pieces.lookup(heads)
        size = tf.reduce_max(tf.where(ids == UNSEEN, 0, lengths), 1)
        best = tf.gather(ids, tf.maximum(size - 1, 0), batch_dims=1)
        size = tf.minimum(size, tf.strings.length(rest, "UTF8_CHAR"))
        tails = tf.strings.substr(rest, size, tf.fill(tf.shape(size), self.longest), "UTF8_CHAR")
        return best, tf.where(best == UNSEEN, "", tails)

    def _finish(self, ids, owners, total):
        """Return the pieces in the order of their words; a word with a part that no piece fits is unknown."""
        failed = tf.boolean_mask(owners, ids == UNSEEN)
        good = tf.tensor_scatter_nd_update(tf.fill([total], True), failed[:, None], tf.zeros_like(failed, tf.bool))
        good &= count_rows(owners, total) > 0
        bad = tf.where(~good)[:, 0]
        stay = tf.gather(good, owners)
        ids = tf.concat([tf.boolean_mask(ids, stay), tf.fill(tf.shape(bad), self.unknown)], 0)
        owners = tf.concat([tf.boolean_mask(owners, stay), bad], 0)
        return tf.gather(ids, tf.argsort(owners, stable=True)), count_rows(owners, total)


def _letters(vocabulary, prefix=""):
    """Return how many characters the token of each id has, without the prefix, (ids,) int32."""
    counts = np.zeros(1 + max(vocabulary.values()), np.int32)
    for token, id in vocabulary.items():
        counts[id] = len(token.removeprefix(prefix))
    return counts
