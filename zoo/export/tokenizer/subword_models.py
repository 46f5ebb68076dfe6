"""Tokenizer models inside a graph, words to ids: the word-level model, and the base class of subword models."""

import tensorflow as tf

from zoo.export.tokenizer.ragged import gather_runs, row_starts

UNSEEN = -1  # in place of an id: not in the table


def hash_table(
    mapping: dict, default: int, key_dtype: tf.DType = tf.string, value_dtype: tf.DType = tf.int32
) -> tf.lookup.StaticHashTable:
    """A hash table of a dictionary; other keys give `default`."""
    keys, values = tf.constant(list(mapping), key_dtype), tf.constant(list(mapping.values()), value_dtype)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)


class WholeWords(tf.Module):
    """Word-level model: an id for each word."""

    unit = "UTF8_CHAR"  # of `sizes`

    def __init__(self, vocabulary: dict[str, int], unknown: int):
        super().__init__()
        self.ids = hash_table(vocabulary, unknown)

    def __call__(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64."""
        return self.ids.lookup(words), tf.ones_like(words, tf.int64)

    def sizes(self, ids: tf.Tensor, lengths: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """The units of its word that each id covers, int64, from the words and the result of a call."""
        return tf.cast(tf.strings.length(words, self.unit), tf.int64)


class SubwordModel(tf.Module):
    """Subword model: a word in `vocabulary` is one id; any other is split into ids, once for equal words of a batch."""

    unit: str  # of `sizes`: "BYTE" or "UTF8_CHAR"

    def __init__(self, vocabulary: dict):
        super().__init__()
        self.vocabulary = hash_table(vocabulary, UNSEEN)

    def __call__(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64."""
        ids = self.vocabulary.lookup(words)
        ones = tf.ones_like(words, tf.int64)
        return tf.cond(tf.reduce_all(ids != UNSEEN), lambda: (ids, ones), lambda: self._split_unseen(words, ids))

    def _split_unseen(self, words, word_ids):
        unseen = tf.where(word_ids == UNSEEN)
        unique, index = tf.unique(tf.gather_nd(words, unseen), tf.int64)
        ids, lengths = self.split(unique)
        starts = tf.size(ids, tf.int64) + tf.range(tf.size(words, tf.int64))
        starts = tf.tensor_scatter_nd_update(starts, unseen, tf.gather(row_starts(lengths), index))
        counts = tf.ones_like(starts)
        counts = tf.tensor_scatter_nd_update(counts, unseen, tf.gather(lengths, index))
        return gather_runs(tf.concat([ids, word_ids], 0), starts, counts), counts

    def split(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, int32, and the number of ids of each word, int64; the words are all different."""
        raise NotImplementedError

    def sizes(self, ids: tf.Tensor, lengths: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """The units of its word that each id covers, int64, from the words and the result of a call."""
        raise NotImplementedError
