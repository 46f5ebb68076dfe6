"""A table of known words: the number of each word of a text of bytes, for pretrained word vectors."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.layers.word_features import SPECIAL, WordEnds, WordHashes, WordIndex

HASHES: dict[str, Any] = {
    "buckets": 2**31 - 1,
    "rounds": 2,
}  # of `WordHashes`: among 400,000 words about 40 pairs share a hash
BATCH = 4096  # words that are hashed at a time


@keras.saving.register_keras_serializable(package="zoo")
class WordTable(keras.layers.Layer):
    """The number of each word in a table of known words: (batch, words) int32, 1 to `words`; 0 for unknown words.

    A word that is not in the table has the number of its lower-case form. Words are known by their hashes, which
    `zoo.layers.word_features.WordHashes` computes with the options `HASHES`.

    Args:
        words: size of the table.
    """

    def __init__(self, words: int, **kwargs):
        super().__init__(**kwargs)
        self.words = words

    def build(self, *_):
        self.hashes = self.add_weight((self.words,), "zeros", "int32", trainable=False, name="hashes")  # ascending

    def call(self, hashes: Tensor, lower_hashes: Tensor) -> Tensor:
        """The numbers of words with these hashes, (batch, words), or else with those of their lower-case forms."""
        number = self._number(hashes)
        return ops.where(number > 0, number, self._number(lower_hashes))

    def _number(self, hashes):
        table = ops.convert_to_tensor(self.hashes)
        index = ops.searchsorted(table, ops.reshape(hashes, (-1,)))  # TensorFlow's takes flat values only
        index = ops.minimum(ops.reshape(ops.cast(index, "int32"), ops.shape(hashes)), self.words - 1)
        known = ops.logical_and(hashes > 0, ops.equal(ops.take(table, index), hashes))
        return ops.where(known, index + 1, 0)

    def compute_output_spec(self, hashes, lower_hashes):
        return keras.KerasTensor(hashes.shape, dtype="int32")

    def set_words(self, words: Sequence[str], space: int) -> np.ndarray:
        """Fill the table with as many words as it has: the index in `words` of the word with each number, from 1 on.

        Args:
            space: id of the space.
        """
        hashes = np.concatenate([_hash(words[i : i + BATCH], space) for i in range(0, len(words), BATCH)])
        order = np.argsort(hashes, stable=True)
        self.hashes.assign(hashes[order])
        return order


def _hash(words, space):
    """The hashes of words, (words,) int32."""
    rows = [np.frombuffer(word.encode(), "uint8").astype("int32") + SPECIAL for word in words]
    tokens = np.zeros((len(rows), max(map(len, rows))), "int32")
    for row, ids in zip(tokens, rows, strict=True):
        row[: len(ids)] = ids
    word_index = WordIndex(space)(tokens)
    return ops.convert_to_numpy(WordHashes(space, **HASHES)(tokens, word_index, WordEnds()(word_index)))[:, 0]
