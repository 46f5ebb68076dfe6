"""WordPiece inside a graph: greedy longest-match-first, from the start of each word."""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import row_ids, row_lengths, shift_right
from zoo.export.tokenizer.subword_models import UNSEEN, SubwordModel, hash_table


class WordPieces(SubwordModel):
    """WordPiece model: each step takes the longest piece off all unfinished words at once.

    Args:
        vocabulary: the id of each token.
        unknown: the id of words that cannot be split into pieces.
        prefix: marks a piece inside a word ("##").
        max_characters: a word of more characters is unknown.
    """

    unit = "UTF8_CHAR"

    def __init__(self, vocabulary: dict[str, int], unknown: int, prefix: str, max_characters: int):
        super().__init__({token: id for token, id in vocabulary.items() if len(token) <= max_characters})
        inner = {token.removeprefix(prefix): id for token, id in vocabulary.items() if token.startswith(prefix)}
        self.first, self.inner = hash_table(vocabulary, UNSEEN), hash_table(inner or {"": UNSEEN}, UNSEEN)
        self.unknown, self.max_characters = unknown, max_characters
        self.steps = tf.range(1, 1 + min(max_characters, max(map(len, vocabulary))))
        self.characters = tf.constant(_characters(vocabulary)), tf.constant(_characters(vocabulary, prefix))

    def split(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64; the words are all different."""
        total = tf.size(words, tf.int64)
        fits = tf.strings.length(words, "UTF8_CHAR") <= self.max_characters
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
        """Take a piece off the remainder of every unfinished word."""
        unfinished = tf.strings.length(remainder) > 0
        remainder, rows = tf.boolean_mask(remainder, unfinished), tf.boolean_mask(rows, unfinished)
        new, remainder = self._longest_piece(self.inner, remainder)
        return remainder, rows, tf.concat([ids, new], 0), tf.concat([id_rows, rows], 0)

    def _longest_piece(self, pieces, words):
        """The longest piece that starts each word, UNSEEN if there is none, and the remainder of the word."""
        shape = [tf.size(words), tf.size(self.steps)]
        lengths = tf.broadcast_to(self.steps, shape)
        columns, starts = tf.broadcast_to(words[:, None], shape), tf.zeros_like(lengths)
        prefixes = tf.strings.substr(columns, starts, lengths, "UTF8_CHAR")
        ids = pieces.lookup(prefixes)
        size = tf.reduce_max(tf.where(ids == UNSEEN, 0, lengths), 1)
        best = tf.gather(ids, tf.maximum(size - 1, 0), batch_dims=1)
        size = tf.minimum(size, tf.strings.length(words, "UTF8_CHAR"))
        suffixes = tf.strings.substr(words, size, tf.fill(tf.shape(size), self.max_characters), "UTF8_CHAR")
        return best, tf.where(best == UNSEEN, "", suffixes)

    def _finish(self, ids, rows, total):
        """The pieces in the order of their words; a word with a part that no piece fits is unknown."""
        failed = tf.boolean_mask(rows, ids == UNSEEN)
        known = tf.tensor_scatter_nd_update(tf.fill([total], True), failed[:, None], tf.zeros_like(failed, tf.bool))
        known &= row_lengths(rows, total) > 0
        unknown_words = tf.where(~known)[:, 0]
        has_pieces = tf.gather(known, rows)
        ids = tf.concat([tf.boolean_mask(ids, has_pieces), tf.fill(tf.shape(unknown_words), self.unknown)], 0)
        rows = tf.concat([tf.boolean_mask(rows, has_pieces), unknown_words], 0)
        return tf.gather(ids, tf.argsort(rows, stable=True)), row_lengths(rows, total)


def _characters(vocabulary, prefix=""):
    """The number of characters of the token of each id, without the prefix, (ids,) int32."""
    counts = np.zeros(1 + max(vocabulary.values()), np.int32)
    for token, id in vocabulary.items():
        counts[id] = len(token.removeprefix(prefix))
    return counts
