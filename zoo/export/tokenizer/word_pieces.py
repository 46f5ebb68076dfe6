"""WordPiece inside a graph: from a word's beginning, again and again the longest piece in the vocabulary."""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import row_ids, row_lengths, shift_right
from zoo.export.tokenizer.subword_models import UNSEEN, SubwordModel, hash_table


class WordPieces(SubwordModel):
    """All words take a step at once, trying every length of piece; a word that is used up leaves.

    Args:
        vocabulary: the id of each token.
        unknown: the id of words that no pieces spell.
        prefix: marks a piece inside a word ("##").
        longest: a word of more characters is unknown.
    """

    unit = "UTF8_CHAR"

    def __init__(self, vocabulary: dict[str, int], unknown: int, prefix: str, longest: int):
        super().__init__({token: id for token, id in vocabulary.items() if len(token) <= longest})
        inner = {token.removeprefix(prefix): id for token, id in vocabulary.items() if token.startswith(prefix)}
        self.first, self.inner = hash_table(vocabulary, UNSEEN), hash_table(inner or {"": UNSEEN}, UNSEEN)
        self.unknown, self.longest = unknown, longest
        self.steps = tf.range(1, 1 + min(longest, max(map(len, vocabulary))))
        self.characters = tf.constant(_characters(vocabulary)), tf.constant(_characters(vocabulary, prefix))

    def split(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64; the words are all different."""
        total = tf.size(words, tf.int64)
        fits = tf.strings.length(words, "UTF8_CHAR") <= self.longest
        rows = tf.where(fits)[:, 0]
        ids, remainder = self._longest_piece(self.first, tf.boolean_mask(words, fits))
        state = [remainder, rows, ids, rows]
        shapes = [tf.TensorShape([None])] * len(state)
        _, _, ids, rows = tf.while_loop(lambda remainder, *_: tf.size(remainder) > 0, self._advance, state, shapes)
        return self._finish(ids, rows, total)

    def sizes(self, ids: tf.Tensor, lengths: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """The characters of its word that each id covers, int64, from the words and the result of a call."""
        rows = row_ids(lengths)
        first, inner = (tf.gather(characters, ids) for characters in self.characters)
        sizes = tf.where(rows == shift_right(rows, -1), inner, first)
        word_sizes = tf.gather(tf.strings.length(words, self.unit), rows)
        return tf.cast(tf.where(ids == self.unknown, word_sizes, sizes), tf.int64)

    def _advance(self, remainder, rows, ids, id_rows):
        """Take a piece off the remainder of every word that has one."""
        unfinished = tf.strings.length(remainder) > 0
        remainder, rows = tf.boolean_mask(remainder, unfinished), tf.boolean_mask(rows, unfinished)
        new, remainder = self._longest_piece(self.inner, remainder)
        return remainder, rows, tf.concat([ids, new], 0), tf.concat([id_rows, rows], 0)

    def _longest_piece(self, pieces, words):
        """The longest piece that begins each word, UNSEEN if none does, and the remainder of the word."""
        shape = [tf.size(words), tf.size(self.steps)]
        lengths = tf.broadcast_to(self.steps, shape)
        heads = tf.strings.substr(tf.broadcast_to(words[:, None], shape), tf.zeros_like(lengths), lengths, "UTF8_CHAR")
        ids = pieces.lookup(heads)
        size = tf.reduce_max(tf.where(ids == UNSEEN, 0, lengths), 1)
        best = tf.gather(ids, tf.maximum(size - 1, 0), batch_dims=1)
        size = tf.minimum(size, tf.strings.length(words, "UTF8_CHAR"))
        tails = tf.strings.substr(words, size, tf.fill(tf.shape(size), self.longest), "UTF8_CHAR")
        return best, tf.where(best == UNSEEN, "", tails)

    def _finish(self, ids, rows, total):
        """The pieces in the order of their words; a word with a part that no piece fits is unknown."""
        failed = tf.boolean_mask(rows, ids == UNSEEN)
        good = tf.tensor_scatter_nd_update(tf.fill([total], True), failed[:, None], tf.zeros_like(failed, tf.bool))
        good &= row_lengths(rows, total) > 0
        bad = tf.where(~good)[:, 0]
        stay = tf.gather(good, rows)
        ids = tf.concat([tf.boolean_mask(ids, stay), tf.fill(tf.shape(bad), self.unknown)], 0)
        rows = tf.concat([tf.boolean_mask(rows, stay), bad], 0)
        return tf.gather(ids, tf.argsort(rows, stable=True)), row_lengths(rows, total)


def _characters(vocabulary, prefix=""):
    """The number of characters of the token of each id, without the prefix, (ids,) int32."""
    counts = np.zeros(1 + max(vocabulary.values()), np.int32)
    for token, id in vocabulary.items():
        counts[id] = len(token.removeprefix(prefix))
    return counts
