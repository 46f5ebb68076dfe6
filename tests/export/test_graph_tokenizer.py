"""Every tokenizer gives the same ids and offsets inside a TensorFlow graph."""

import json
import random
import re
import subprocess
import sys
import time
import unicodedata
from functools import partial

import keras
import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers

from zoo.text.splitting import bytes_to_unicode
from zoo.text.tokenizer import Tokenizer

if keras.config.backend() != "tensorflow":
    pytest.skip("graph tokenizers run in TensorFlow: tested on that backend", allow_module_level=True)

import tensorflow as tf

FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.binary(max_size=30) | st.text(max_size=30).map(str.encode)
TEXTS = st.lists(TEXT, max_size=6)
FEW = settings(FUZZ, max_examples=8)

# As a stock server does it: XLA disabled before the first operation, nothing of zoo's or of TensorFlow Text loaded.
SERVER = """
import ctypes, json, pathlib, sys
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
library = pathlib.Path(tf.__file__).parent / "libtensorflow_cc.so.2"
ctypes.CDLL(str(library))._ZN10tensorflow21DisableXlaCompilationEv()
texts = tf.constant([bytes.fromhex(text) for text in json.load(sys.stdin)])
ids = [rows.to_list() for rows in tf.saved_model.load(sys.argv[1]).serve(texts)]
graph = SavedModel.FromString(pathlib.Path(sys.argv[1], "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
print(json.dumps({"ids": ids, "operations": sorted({node.op for node in nodes})}))
"""


class Exported(tf.Module):
    """A graph tokenizer in `tf.function`s, as in an exported model."""

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer
        self.traces = 0

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, texts):
        self.traces += 1
        return self.tokenizer(texts)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ragged_ids(self, texts):
        return self.tokenizer.ragged_ids(texts)


@pytest.fixture(scope="session")
def exported(tokenizer):
    return Exported(tokenizer.to_graph())


def assert_same_characters(tokenizer, ragged_ids, texts):
    """Fail, with the first text that differs, unless the graph's ids and offsets are the tokenizer's."""
    actual = ragged_ids(tf.constant(texts, tf.string))
    spans = tf.RaggedTensor.from_row_lengths(tf.stack([actual.starts, actual.ends], 1), actual.lengths).to_list()
    ids = tf.RaggedTensor.from_row_lengths(actual.ids, actual.lengths).to_list()
    encodings = tokenizer.encode_batch(texts, special=False)
    for text, ids_found, characters, ours in zip(texts, ids, spans, encodings, strict=True):
        assert ids_found == ours.ids.tolist(), text
        assert characters == ours.offsets.tolist() or any(map(moves_and_stays, text.decode(errors="replace"))), text


def moves_and_stays(character):
    """Whether a mark changes places with its neighbours without being an accent to the library, as few marks do.

    The library then gives the characters of other marks; the graph gives the true ones.
    """
    parts = unicodedata.normalize("NFD", character)
    rare = (part for part in parts if unicodedata.category(part) == "Mc" or ord(part) > 0xFFFF)
    return any(unicodedata.combining(part) > 0 for part in rare)


def assert_same(tokenizer, function, *columns, **options):
    """Fail, with the first text that differs, unless graph and tokenizer agree."""
    rows = function(*(tf.constant(column, tf.string) for column in columns)).to_list()
    for texts, row, ours in zip(
        zip(*columns, strict=True), rows, tokenizer.encode_batch(*columns, **options), strict=True
    ):
        assert row == ours.ids.tolist(), (texts, options)


def test_ten_thousand_lines(tokenizer, exported, lines):
    for start in range(0, len(lines), 1000):
        assert_same(tokenizer, exported.serve, lines[start : start + 1000])
    assert exported.traces == 1


def test_characters_of_lines(tokenizer, exported, lines):
    assert_same_characters(tokenizer, exported.ragged_ids, lines[:2000])


@FUZZ
@given(texts=TEXTS)
def test_characters_of_any_bytes(tokenizer, exported, texts):
    assert_same_characters(tokenizer, exported.ragged_ids, texts)


def test_cut_alike(tokenizer, exported, lines):
    texts, pairs = lines[:200], lines[200:400]
    for length in (4, 11):
        assert_same(tokenizer, partial(exported.tokenizer, length=length), texts, pairs, length=length)
        assert_same(tokenizer, partial(exported.tokenizer, length=length), texts, length=length)
    assert_same(tokenizer, partial(exported.tokenizer, special=False, length=3), texts, pairs, special=False, length=3)
    assert_same(tokenizer, exported.tokenizer, texts, pairs)


def test_no_room_for_special_tokens(tokenizer, exported):
    if tokenizer.start is not None:
        with pytest.raises(ValueError, match="length must be at least 2, for the special tokens"):
            exported.tokenizer(tf.constant(["a"]), length=1)


@FUZZ
@given(texts=TEXTS)
def test_any_bytes(tokenizer, exported, texts):
    assert_same(tokenizer, exported.serve, texts)


def test_every_character_of_everyday_scripts(tokenizer, exported):
    points = [*range(0x3100), *range(0xF900, 0x10000), *range(0x1F000, 0x1FA00)]
    texts = ["".join(f"a{chr(c)}b {chr(c)}'s" for c in points[i : i + 64]) for i in range(0, len(points), 64)]
    assert_same(tokenizer, exported.serve, [text.encode() for text in texts])
    assert_same_characters(tokenizer, exported.ragged_ids, [text.encode() for text in texts])


def test_nothing_and_empty_texts(tokenizer, exported):
    assert exported.serve(tf.constant([], tf.string)).shape == [0, None]
    assert_same(tokenizer, exported.serve, [b"", b"a", b"", b""])
    assert_same(tokenizer, exported.serve, [b" "])


def test_a_megabyte_in_bounded_time(exported, corpus):
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=500_000))
    start = time.process_time()
    exported.serve(tf.constant(["\n".join(corpus * 4)[:500_000] + letters]))
    assert time.process_time() - start < 30


class Multiple(tf.Module):
    """A graph tokenizer of each kind."""

    def __init__(self, tokenizers):
        super().__init__()
        self.tokenizers = [tokenizer.to_graph() for tokenizer in tokenizers]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, texts):
        return [tokenizer(texts) for tokenizer in self.tokenizers]


def test_served_as_a_stock_server_does(make, lines, tmp_path):
    cases = [make(name) for name in ("words_lower", "characters", "bytes", "bert_uncased", "roberta")]
    tf.saved_model.save(Multiple(cases), tmp_path)
    texts = lines[:1000]
    answer = subprocess.run(
        [sys.executable, "-c", SERVER, tmp_path],
        input=json.dumps([text.hex() for text in texts]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    actual = json.loads(answer.stdout)
    for rows, tokenizer in zip(actual["ids"], cases, strict=True):
        assert rows == [encoding.ids.tolist() for encoding in tokenizer.encode_batch(texts)]
    assert {"UnicodeDecode", "LookupTableFindV2", "While"} < set(actual["operations"])
    foreign = re.compile("Xla|PyFunc|>|Random|Text|Sentencepiece|Wordpiece")
    assert not [name for name in actual["operations"] if foreign.search(name)]
    assert (tmp_path / "saved_model.pb").stat().st_size < 2_000_000  # bytes


def byte_pairs(vocabulary, merges, **options):
    """Return a byte-level tokenizer with these pairs and longer tokens after the 256 bytes."""
    numbered = {token: id for id, token in enumerate(dict.fromkeys([*bytes_to_unicode(), *vocabulary]))}
    backend = tokenizers.Tokenizer(models.BPE(numbered, merges, **options))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return backend


@FEW
@given(rng=st.randoms(), texts=st.lists(st.text("abcd", max_size=30), min_size=4, max_size=30))
def test_pairs_in_any_order(rng, texts):
    """Pairs that were learned in no sensible order: some make what an earlier one joins."""
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
def test_pieces_of_any_vocabulary(rng, texts):
    subset = ["".join(rng.choices("abé", k=rng.randint(1, 4))) for _ in range(6)]
    vocabulary = {
        token: id for id, token in enumerate(dict.fromkeys(["?", *subset[:3], *("##" + t for t in subset[3:])]))
    }
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="?", max_input_chars_per_word=8))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = Tokenizer(backend)
    assert_same(tokenizer, tokenizer.to_graph(), [text.encode() for text in texts])


def refused():
    """Yield tokenizers of others without an exact equal, and the reason."""
    word = models.WordLevel({"?": 0}, unk_token="?")
    bert = pre_tokenizers.BertPreTokenizer()
    yield (models.Unigram([("a", 0.0)], unk_id=0), bert, None), "its model is Unigram"
    yield (word, pre_tokenizers.Metaspace(), None), "its pre-tokenizer is Metaspace"
    yield (word, None, None), "its pre-tokenizer is None"
    yield (word, bert, normalizers.NFKC()), "its normalizer is NFKC"
    yield (models.WordLevel({"a": 0}, unk_token="?"), bert, None), "its vocabulary has no token for unknown words"
    yield (models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]), None, None), "it joins characters, not bytes"
    yield (models.BPE({"a": 0}, []), None, None), "its vocabulary has no token for unknown characters"
    yield (models.BPE({"a": 0}, []), pre_tokenizers.ByteLevel(), None), "its vocabulary lacks some bytes"
    yield (models.BPE({"a": 0}, [], fuse_unk=True), None, None), "its model sets fuse_unk"
    yield (models.BPE({"a": 0}, [], dropout=0.5), None, None), "its model sets dropout"


@pytest.mark.parametrize(("parts", "reason"), list(refused()))
def test_what_has_no_exact_equal_is_refused(parts, reason):
    backend = tokenizers.Tokenizer(parts[0])
    if parts[1]:
        backend.pre_tokenizer = parts[1]
    if parts[2]:
        backend.normalizer = parts[2]
    message = f"This tokenizer has no exact equal inside TensorFlow: {reason}. Tokenizers that"
    with pytest.raises(ValueError, match=message):
        Tokenizer(backend).to_graph()


ADDED = ("zoo", "zo", "ozoo", "c++", "字ß", "<mas", "e\u0301x")
AROUND = (
    *ADDED,
    "<mask>",
    "[MASK]",
    " ",
    "  ",
    "a",
    "_",
    "-",
    "é",
    "\u0301",
    "\u200d",
    "Ⅷ",
    "Ⓐ",
    "字",
    "\n",
    "'s",
    "B c",
    "\0",
)


@pytest.fixture(scope="session", params=["byte_pairs", "gpt2", "roberta", "bytes", "characters"])
def with_added(request, make):
    tokenizer = make(request.param).with_tokens(ADDED)
    return tokenizer, Exported(tokenizer.to_graph())


@FUZZ
@given(texts=st.lists(st.lists(st.sampled_from(AROUND), max_size=8).map("".join).map(str.encode) | TEXT, max_size=6))
def test_added_tokens(with_added, texts):
    tokenizer, exported = with_added
    assert_same(tokenizer, exported.serve, texts)
    assert_same_characters(tokenizer, exported.ragged_ids, texts)


def test_added_tokens_beside_every_character(with_added):
    tokenizer, exported = with_added
    points = [*range(0x80), *range(0x300, 0x3100), *range(0xF900, 0x10000), *range(0x1F000, 0x1FA00)]
    texts = ["".join(f" zoo{chr(c)} {chr(c)}zoo" for c in points[i : i + 64]) for i in range(0, len(points), 64)]
    assert_same(tokenizer, exported.serve, [text.encode() for text in texts])


def test_lines_with_added_tokens(with_added, lines):
    tokenizer, exported = with_added
    assert_same(tokenizer, exported.serve, [line.replace(b"a", b" zoo ").replace(b"e", b"zo") for line in lines[:1000]])


def test_tokens_that_are_added_otherwise_are_refused():
    backend = byte_pairs([], [])
    backend.add_tokens(["zoo"])
    with pytest.raises(ValueError, match="it has added tokens that need not be words as they stand, such as 'zoo'"):
        Tokenizer(backend).to_graph()


def test_byte_pairs_across_words_are_refused():
    backend = byte_pairs(["ab"], [("a", "b")])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(use_regex=False)
    with pytest.raises(ValueError, match="its byte pairs cross words"):
        Tokenizer(backend).to_graph()
