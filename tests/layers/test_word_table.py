"""The table of known words: exact numbers, lower-case forms, few collisions."""

import numpy as np
from keras import ops

from zoo.layers.word_features import WordEnds, WordHashes, WordIndex
from zoo.layers.word_table import HASHES, WordTable

SPACE = 37


def numbers(table, text):
    tokens = np.array([[2, *(byte + 5 for byte in text.encode()), 3, 0]], "int32")
    index = WordIndex(SPACE)(tokens)
    ends = WordEnds()(index)
    hashes = [WordHashes(SPACE, **HASHES, lowercase=lower)(tokens, index, ends) for lower in (False, True)]
    return ops.convert_to_numpy(table(*hashes))[0]


def test_known_words_have_their_numbers_and_others_zero():
    words, table = ["the", "Paris", "café", "日本", "the.", "paris"], WordTable(6)
    table.build()
    order = table.set_words(words, SPACE)
    assert sorted(order) == list(range(6))
    actual = numbers(table, "the Paris café 日本 the. paris THE PARIS unheard th")
    names = [words[order[number - 1]] if number else None for number in actual[:10]]
    assert names == ["the", "Paris", "café", "日本", "the.", "paris", "the", "paris", None, None]
    assert not actual[10:].any()


def test_words_share_hardly_any_hash():
    words = [f"{a}{b}" for a in ("un", "re", "", "pre") for b in range(5000)]  # one round of mixing: 670 collisions
    table = WordTable(len(words))
    table.build()
    table.set_words(words, SPACE)
    hashes = ops.convert_to_numpy(table.hashes)
    assert (np.diff(hashes) >= 0).all()
    assert len(np.unique(hashes)) >= len(words) - 2  # 0.1 pairs are expected among random numbers
