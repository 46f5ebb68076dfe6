"""Word features of texts of bytes: word indices, ends, hashes, max pooling and broadcast."""

import numpy as np
from keras import ops

from zoo.layers.word_features import BroadcastWords, WordEnds, WordHashes, WordIndex, WordMaxPooling
from zoo.layers.word_ids import WordIds

SPACE = 37
TEXTS = ["the cat , the hat", "a", " the cat", ""]


def bytes_of(texts, length=20):
    rows = np.zeros((len(texts), length), "int32")
    for row, text in zip(rows, texts, strict=True):
        ids = [2, *(byte + 5 for byte in text.encode()), 3]
        row[: len(ids)] = ids
    return rows


TOKENS = bytes_of(TEXTS)
WORD_INDEX = WordIndex(SPACE)(TOKENS)
ENDS = WordEnds()(WORD_INDEX)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_word_indices():
    indices = array(WORD_INDEX)
    assert indices[0, :19].tolist() == [*[0] * 5, *[1] * 4, *[2] * 2, *[3] * 4, *[4] * 4]
    assert indices[0, 19] == -1
    assert indices[1, :4].tolist() == [0, 0, 0, -1]
    assert indices[2, :11].tolist() == [*[0] * 6, *[1] * 4, -1]


def test_each_word_ends_where_the_next_one_begins():
    ends = array(ENDS)
    assert ends[0, :5].tolist() == [4, 8, 10, 14, 18]
    assert [row[row >= 0].tolist() for row in ends[1:]] == [[2], [5, 9], [1]]


def test_a_word_has_the_same_id_everywhere():
    hashes = array(WordHashes(SPACE, 10_000)(TOKENS, WORD_INDEX, ENDS))
    the, cat, comma, the_again, hat = hashes[0, :5]
    assert the == the_again == hashes[2, 0]
    assert cat == hashes[2, 1]
    assert len({the, cat, comma, hat, hashes[1, 0]}) == 5
    assert hashes[:, :5].min() == 0
    assert hashes.max() <= 10_000


def test_ids_are_the_same_on_every_backend_and_spread_over_all_buckets():
    words = ["".join(letters) for letters in np.random.default_rng(0).choice(list("abcdefgh"), (2000, 6))]
    tokens = bytes_of(sorted(set(words)), 8)
    word_index = WordIndex(SPACE)(tokens)
    hashes = array(WordHashes(SPACE, 2**14)(tokens, word_index, WordEnds()(word_index)))[:, 0]
    assert len(np.unique(hashes)) > 0.92 * len(tokens)  # as many as among random ids
    assert array(WordHashes(SPACE, 1000)(TOKENS, WORD_INDEX, ENDS))[0, :2].tolist() == [148, 892]


def test_word_ids_at_any_separator():
    separators = [5 + ord(" "), 5 + ord(","), 5 + ord("!")]
    words = WordIds(261, separators, buckets=1000, first=300)
    ids = array(words(bytes_of(["the cat , the", "cat,the!", ""])))
    the, cat, again = ids[0, :3]
    assert the == again == ids[1, 1]
    assert cat == ids[1, 0]
    assert (ids[:2] > 0).sum() == 5
    assert 300 <= ids[:2][ids[:2] > 0].min() <= ids.max() < 1300


def test_suffixes_and_lowercase():
    tokens = bytes_of(["The nothing THE thing ing", "the ,", "Hing", "\u00c9t\u00e9 t\u00e9"], 32)
    word_index = WordIndex(SPACE)(tokens)
    ends = WordEnds()(word_index)

    def ids(**options):
        return array(WordHashes(SPACE, 2**14, **options)(tokens, word_index, ends))

    exact, lowercase, suffix = ids(), ids(lowercase=True), ids(lowercase=True, suffix=3)
    assert lowercase[0, 0] == lowercase[0, 2] == exact[1, 0] == lowercase[1, 0] != exact[0, 0] != exact[0, 2]
    assert lowercase[3, 0] == exact[3, 0]  # only the letters of ASCII have a case among bytes
    assert suffix[0, 1] == suffix[0, 3] == suffix[0, 4] == suffix[2, 0] != lowercase[0, 4]
    assert suffix[3, 0] == suffix[3, 1]
    assert not suffix[array(ends) < 0].any()


def test_max_pooling_of_words_and_broadcast():
    x = np.random.default_rng(0).normal(size=(len(TEXTS), 20, 3)).astype("float32")
    actual = array(WordMaxPooling()(x, WORD_INDEX, ENDS))
    broadcast = array(BroadcastWords()(actual, WORD_INDEX))
    word_index = array(WORD_INDEX)
    for row, word in {(row, number) for row, line in enumerate(word_index) for number in line if number >= 0}:
        matches = word_index[row] == word
        np.testing.assert_allclose(actual[row, word], x[row, matches].max(0))
        np.testing.assert_allclose(broadcast[row, matches], np.broadcast_to(actual[row, word], (matches.sum(), 3)))
    assert not broadcast[word_index < 0].any()
    assert not actual[array(ENDS) < 0].any()
