"""From words, characters or bytes to ids inside a graph."""

import tensorflow as tf

from zoo.export.tokenizer.ragged import gather_runs, starts_of

UNSEEN = -1


def table(mapping, otherwise, key=tf.string, value=tf.int32):
    """Return a hash table of a dictionary; a key that is not in it gives `otherwise`."""
    keys, values = tf.constant(list(mapping), key), tf.constant(list(mapping.values()), value)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), otherwise)


class WholeWords(tf.Module):
    """One id for each word."""

    unit = "UTF8_CHAR"  # in which `sizes` are

    def __init__(self, vocabulary, unknown):
        super().__init__()
        self.ids = table(vocabulary, unknown)

    def __call__(self, words):
        """Return ids, int32, and how many each word has, int64."""
        return self.ids.lookup(words), tf.ones_like(words, tf.int64)

    def sizes(self, ids, lengths, words):
        """Return how many units of its word each id stands for, int64, given the words and what a call returned."""
        return tf.cast(tf.strings.length(words, self.unit), tf.int64)


class SubwordModel(tf.Module):
    """Several ids for a word, found in `whole` if one will do, otherwise once for each different word of a batch."""

    def __init__(self, whole):
        super().__init__()
        self.whole = table(whole, UNSEEN)

    def __call__(self, words):
        """Return ids, int32, and how many each word has, int64."""
        whole = self.whole.lookup(words)
        ones = tf.ones_like(words, tf.int64)
        return tf.cond(tf.reduce_all(whole != UNSEEN), lambda: (whole, ones), lambda: self._some_split(words, whole))

    def _some_split(self, words, whole):
        places = tf.where(whole == UNSEEN)
        different, which = tf.unique(tf.gather_nd(words, places), tf.int64)
        ids, lengths = self.split(different)
        starts = tf.size(ids, tf.int64) + tf.range(tf.size(words, tf.int64))
        starts = tf.tensor_scatter_nd_update(starts, places, tf.gather(starts_of(lengths), which))
        counts = tf.ones_like(starts)
        counts = tf.tensor_scatter_nd_update(counts, places, tf.gather(lengths, which))
        return gather_runs(tf.concat([ids, whole], 0), starts, counts), counts

    def split(self, words):
        """Return ids, int32, and how many each word has, int64; the words are all different."""
        raise NotImplementedError

    def sizes(self, ids, lengths, words):
        """Return how many units of its word each id stands for, int64, given the words and what a call returned."""
        raise NotImplementedError
