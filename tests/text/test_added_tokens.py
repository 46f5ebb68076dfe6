"""Added tokens: new words for the vocabulary of a trained tokenizer."""

import numpy as np
import pytest

from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.pretrained import Pretrained
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

TEXTS = ["the quick brown fox", "jumps over the lazy dog", "der Übermut"]


@pytest.fixture(params=[WordPieces(vocabulary=90), Words(), BytePairs(vocabulary=280)], ids=lambda p: type(p).__name__)
def folder(request, tmp_path):
    request.param.train(TEXTS).save(tmp_path / "tokenizer.json")
    return tmp_path


def test_new_tokens_are_one_id_each_and_nothing_else_changes(folder):
    before = Tokenizer.load(folder)
    after = Pretrained(folder=str(folder), added_tokens=("esim", "voip")).train()
    assert after.vocabulary_size == before.vocabulary_size + 2
    assert [after.id(token) for token in ("esim", "voip")] == [before.vocabulary_size, before.vocabulary_size + 1]
    for text in (*TEXTS, "an unknown word"):
        np.testing.assert_array_equal(after.encode(text).ids, before.encode(text).ids)
    ids = after.encode("the esim, voip").ids.tolist()
    assert ids.count(before.vocabulary_size) == ids.count(before.vocabulary_size + 1) == 1
    start, end = after.encode("the esim").offsets[ids.index(before.vocabulary_size)]
    assert "the esim"[start:end] == "esim"
    after.save(folder / "tokenizer.json")
    assert Tokenizer.load(folder).encode("the esim, voip").ids.tolist() == ids


def test_added_words_are_normalised_as_text_is(tmp_path):
    WordPieces(vocabulary=90).train(TEXTS).save(tmp_path)
    tokenizer = Pretrained(folder=str(tmp_path), added_tokens=("ESim",)).train()
    assert tokenizer.id("esim") == tokenizer.vocabulary_size - 1
    assert tokenizer.encode("ESIM", special=False).ids.tolist() == [tokenizer.vocabulary_size - 1]


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (("the",), "Expected new tokens to add. Received: 'the', which is empty or known already"),
        (("esim", "ESIM"), "Received: 'ESIM', which is empty or known already"),
        ((" ",), "Received: ' ', which is empty or known already"),
        (("covid-19",), "Expected one word to add. Received: 'covid-19', which is split into covid and - and 19"),
    ],
)
def test_invalid_tokens_are_refused(tmp_path, added, message):
    WordPieces(vocabulary=90).train(TEXTS).save(tmp_path)
    with pytest.raises(ValueError, match=message):
        Pretrained(folder=str(tmp_path), added_tokens=added).train()


def test_the_graph_tokenizer_has_added_tokens(tmp_path):
    pytest.importorskip("tensorflow", reason="graphs are of TensorFlow")
    WordPieces(vocabulary=90).train(TEXTS).save(tmp_path)
    tokenizer = Pretrained(folder=str(tmp_path), added_tokens=("esim",)).train()
    ids = tokenizer.to_graph()(["the esim, the esims"]).to_list()[0]
    assert ids == tokenizer.encode("the esim, the esims").ids.tolist()
    assert tokenizer.vocabulary_size - 1 in ids
