"""A table of known words: the number of each word of a text of bytes, for pretrained word vectors."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.layers.word_features import SPECIAL, WordEnds, WordHashes, WordIndex

HASHES = 2**31 - 1  # different hashes: among 400,000 words about 40 pairs share one
BATCH = 4096  # words that are hashed at a time


@keras.saving.register_keras_serializable(package="zoo")
class WordTable(keras.layers.Layer):
    """The number of each word in a table of known words: (batch, words) int32, 1 to `words`; 0 for unknown words.

    A word that is not in the table has the number of its lower-case form. Words are known by their hashes.

    Args:
        words: size of the table.
        space: id of the space.
    """

    def __init__(self, words: int, space: int, **kwargs):
        super().__init__(**kwargs)
        self.words = words
        self.space = space
        self.hash = WordHashes(space, HASHES)
        self.lower_hash = WordHashes(space, HASHES, lowercase=True)
        self.hashes = self.add_weight((words,), "zeros", "int32", trainable=False, name="hashes")  # in ascending order

    def call(self, tokens: Tensor, word_index: Tensor, ends: Tensor) -> Tensor:
        """The numbers of the words of (batch, time) tokens with their `WordIndex` and `WordEnds`."""
        number = self._number(self.hash(tokens, word_index, ends))
        lower = self._number(self.lower_hash(tokens, word_index, ends))
        return ops.where(number > 0, number, lower)

    def _number(self, hashes):
        table = ops.convert_to_tensor(self.hashes)
        index = ops.minimum(ops.cast(ops.searchsorted(table, hashes), "int32"), self.words - 1)
        known = ops.logical_and(hashes > 0, ops.equal(ops.take(table, index), hashes))
        return ops.where(known, index + 1, 0)

    def compute_output_spec(self, tokens, word_index, ends):
        return keras.KerasTensor(ends.shape, dtype="int32")

    def set_words(self, words: Sequence[str]) -> np.ndarray:
        """Fill the table with as many words as it has: the index in `words` of the word with each number, from 1 on.

        Where two words have one hash, the first one is known twice.
        """
        hashes = np.concatenate([self._hash(words[i : i + BATCH]) for i in range(0, len(words), BATCH)])
        order = np.argsort(hashes, stable=True)
        self.hashes.assign(hashes[order])
        return order

    def _hash(self, words):
        """The hashes of words, (words,) int32."""
        rows = [np.frombuffer(word.encode(), "uint8").astype("int32") + SPECIAL for word in words]
        tokens = np.zeros((len(rows), max(map(len, rows))), "int32")
        for row, ids in zip(tokens, rows, strict=True):
            row[: len(ids)] = ids
        word_index = WordIndex(self.space)(tokens)
        return ops.convert_to_numpy(self.hash(tokens, word_index, WordEnds()(word_index)))[:, 0]
