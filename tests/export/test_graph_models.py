"""Tokenizer models inside a TensorFlow graph: any vocabulary and merges, and the tokenizers that are refused."""

import keras
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers

from zoo.text.splitting import bytes_to_unicode
from zoo.text.tokenizer import Tokenizer

if keras.config.backend() != "tensorflow":
    pytest.skip("graph tokenizers run in TensorFlow: tested on that backend", allow_module_level=True)

from graph_assertions import FUZZ, assert_same

FEW = settings(FUZZ, max_examples=8)


def byte_pairs(vocabulary, merges, **options):
    """A byte-level tokenizer with these merges, and a vocabulary of the 256 bytes and longer tokens."""
    numbered = {token: id for id, token in enumerate(dict.fromkeys([*bytes_to_unicode(), *vocabulary]))}
    backend = tokenizers.Tokenizer(models.BPE(numbered, merges, **options))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return backend


@FEW
@given(rng=st.randoms(), texts=st.lists(st.text("abcd", max_size=30), min_size=4, max_size=30))
def test_merges_in_any_order(rng, texts):
    """Merges in random order: some make a pair of lower rank."""
    tokens, merges = list("abcd"), []
    for _ in range(25):
        pair = rng.choice(tokens), rng.choice(tokens)
        if len("".join(pair)) < 7 and pair not in merges:
            merges.append(pair)
            tokens.append("".join(pair))
    rng.shuffle(merges)
    tokenizer = Tokenizer(byte_pairs(tokens, merges))
    assert_same(tokenizer, tokenizer.to_graph(), [text.encode() for text in texts])


@FEW
@given(rng=st.randoms(), texts=st.lists(st.text("abé##", max_size=12), min_size=4, max_size=30))
def test_word_pieces_of_any_vocabulary(rng, texts):
    subset = ["".join(rng.choices("abé", k=rng.randint(1, 4))) for _ in range(6)]
    vocabulary = {
        token: id for id, token in enumerate(dict.fromkeys(["?", *subset[:3], *("##" + t for t in subset[3:])]))
    }
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="?", max_input_chars_per_word=8))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = Tokenizer(backend)
    assert_same(tokenizer, tokenizer.to_graph(), [text.encode() for text in texts])


def inexact_parts():
    """Yield (model, pre-tokenizer, normalizer) of tokenizers without an exact equal, and the reason."""
    word = models.WordLevel({"?": 0}, unk_token="?")
    bert = pre_tokenizers.BertPreTokenizer()
    yield (models.Unigram([("a", 0.0)], unk_id=0), bert, None), "its pre-tokenizer is BertPreTokenizer"
    metaspace = pre_tokenizers.Metaspace()
    yield (models.Unigram([("a", 0.0)], unk_id=0), metaspace, normalizers.NFKD()), "its normalizer is NFKD"
    yield (word, pre_tokenizers.Metaspace(), None), "its pre-tokenizer is Metaspace"
    yield (word, None, None), "its pre-tokenizer is None"
    yield (word, bert, normalizers.NFKC()), "its normalizer is NFKC"
    yield (models.WordLevel({"a": 0}, unk_token="?"), bert, None), "its vocabulary has no token for unknown words"
    yield (models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]), None, None), "it joins characters, not bytes"
    yield (models.BPE({"a": 0}, []), None, None), "its vocabulary has no token for unknown characters"
    yield (models.BPE({"a": 0}, []), pre_tokenizers.ByteLevel(), None), "its vocabulary lacks some bytes"
    yield (models.BPE({"a": 0}, [], fuse_unk=True), None, None), "its model sets fuse_unk"
    yield (models.BPE({"a": 0}, [], dropout=0.5), None, None), "its model sets dropout"


@pytest.mark.parametrize(("parts", "reason"), list(inexact_parts()))
def test_a_tokenizer_without_an_exact_equal_is_refused(parts, reason):
    model, pre_tokenizer, normalizer = parts
    backend = tokenizers.Tokenizer(model)
    if pre_tokenizer:
        backend.pre_tokenizer = pre_tokenizer
    if normalizer:
        backend.normalizer = normalizer
    message = f"This tokenizer has no exact equal inside TensorFlow: {reason}. Tokenizers that"
    with pytest.raises(ValueError, match=message):
        Tokenizer(backend).to_graph()


def test_other_added_tokens_are_refused():
    backend = byte_pairs([], [])
    backend.add_tokens([tokenizers.AddedToken("zoo", lstrip=True)])
    with pytest.raises(ValueError, match="it has added tokens that texts spell in other ways, such as 'zoo'"):
        Tokenizer(backend).to_graph()


def test_byte_pairs_across_words_are_refused():
    backend = byte_pairs(["ab"], [("a", "b")])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(use_regex=False)
    with pytest.raises(ValueError, match="its byte pairs cross words"):
        Tokenizer(backend).to_graph()
