"""Ids of whole words in texts of characters, by hash: features of a bag of words."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.layers.word_features import WordEnds, WordHashes, WordIndex


@keras.saving.register_keras_serializable(package="zoo")
class WordIds(keras.layers.Layer):
    """Hash id of each word of a text of characters: (batch, time) ids to (batch, words) int32, 0 as padding.

    A word is a run of characters that are not separators; its id does not depend on its position.

    Args:
        vocabulary: number of ids of characters.
        separators: ids of the characters between words, such as white space and punctuation marks.
        buckets: ids of words, which collide at random.
        first: the lowest of these ids.
        padding: id of padding among the tokens.

    >>> words = layers.WordIds(vocabulary=100, separators=[37, 38], buckets=1000)
    >>> words(keras.Input((5,), dtype="int32")).shape
    (None, None)
    """

    def __init__(
        self,
        vocabulary: int,
        separators: Sequence[int],
        buckets: int = 2**18,
        first: int = 1,
        padding: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.separators = tuple(separators)
        self.buckets = buckets
        self.first = first
        self.padding = padding
        space = self.separators[0] if self.separators else -1
        self.index, self.ends, self.hashes = WordIndex(space, padding), WordEnds(), WordHashes(space, buckets)
        self.one_separator = np.arange(vocabulary, dtype="int32")  # each id, and the first separator's in place of all
        self.one_separator[list(self.separators)] = space

    def build(self, tokens_shape):
        for layer in (self.index, self.ends, self.hashes):
            layer.build(tokens_shape)

    def call(self, tokens: Tensor) -> Tensor:
        tokens = ops.take(self.one_separator, tokens, axis=0)
        word_index = self.index(tokens)
        ids = self.hashes(tokens, word_index, self.ends(word_index))
        return ops.where(ids > 0, ids + (self.first - 1), 0)

    def compute_output_spec(self, tokens):
        return keras.KerasTensor((tokens.shape[0], None), dtype="int32")
