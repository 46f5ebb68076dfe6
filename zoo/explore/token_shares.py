"""The tokens that embedded ids derive from: n-grams, whole words and shifted texts are divided among their tokens.

A network may embed other ids than those of its tokens. The shares of an id are the parts of its contribution that each
token gets: all of it for a token's own id, equal parts for an n-gram or a word.
"""

from typing import Any

import keras
import numpy as np

from zoo.layers.embedding import NGrams
from zoo.layers.shift import ShiftRight
from zoo.layers.word_features import SPECIAL, WordHashes
from zoo.layers.word_ids import WordIds


def token_shares(layer: keras.layers.Layer, args: tuple, outputs: Any, shares: list[np.ndarray]) -> np.ndarray:
    """The shares of a layer's output ids, (ids, tokens) float32 whose rows sum to 1, or to 0 at padding.

    Args:
        layer: it was called with `args`, of one text, and returned `outputs`.
        shares: those of each array of ids that it reads.
    """
    if isinstance(layer, NGrams):
        return _ngram_shares(shares[0], layer.longest)
    if isinstance(layer, ShiftRight):
        return _shifted(shares[0], -1)
    if isinstance(layer, WordHashes):
        ids, word_index = (keras.ops.convert_to_numpy(array)[0] for array in args[:2])
        return _word_shares(ids, word_index, layer.space, outputs.shape[1]) @ shares[0]
    if isinstance(layer, WordIds):
        ids = layer.one_separator[keras.ops.convert_to_numpy(args[0])]
        word_index = keras.ops.convert_to_numpy(layer.index(ids))[0]
        return _word_shares(ids[0], word_index, layer.index.space, outputs.shape[1]) @ shares[0]
    if isinstance(layer, keras.layers.Concatenate):
        return np.concatenate(shares)
    return shares[0]


def _ngram_shares(shares, longest):
    """The mean of the shares of an n-gram's tokens, for unigrams, then for bigrams, and so on."""
    total, orders = np.zeros_like(shares), []
    for order in range(longest):
        total = total + _shifted(shares, order)
        orders.append(total / (order + 1))
    return np.concatenate(orders)


def _word_shares(ids, word_index, space, words):
    """Equal parts for the characters of each word, (words, time)."""
    inside = (ids >= SPECIAL) & (ids != space)
    characters = (np.arange(words)[:, None] == word_index) & inside
    return characters.astype("float32") / np.maximum(characters.sum(1, keepdims=True), 1)


def _shifted(rows, count):
    """The rows `count` positions later (before, where it is negative), and zeros beyond the ends."""
    result = np.zeros_like(rows)
    if count < 0:
        result[-count:] = rows[:count]
    else:
        result[: len(rows) - count] = rows[count:]
    return result
