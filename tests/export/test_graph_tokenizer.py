"""Every tokenizer gives the same ids and offsets inside a TensorFlow graph."""

import json
import random
import re
import subprocess
import sys
import time
from functools import partial

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

if keras.config.backend() != "tensorflow":
    pytest.skip("graph tokenizers run in TensorFlow: tested on that backend", allow_module_level=True)

import tensorflow as tf
from graph_assertions import FUZZ, TEXT, Exported, assert_same, assert_same_characters

TEXTS = st.lists(TEXT, max_size=6)

# Like a stock server: XLA disabled before the first operation, without zoo or TensorFlow Text.
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


@pytest.fixture(scope="session")
def exported(tokenizer):
    return Exported(tokenizer.to_graph())


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


def test_truncation(tokenizer, exported, lines):
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


def test_empty_batches_and_texts(tokenizer, exported):
    assert exported.serve(tf.constant([], tf.string)).shape == [0, None]
    assert_same(tokenizer, exported.serve, [b"", b"a", b"", b""])
    assert_same(tokenizer, exported.serve, [b" "])


def test_a_megabyte_in_bounded_time(exported, corpus):
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=500_000))
    start = time.process_time()
    exported.serve(tf.constant(["\n".join(corpus * 4)[:500_000] + letters]))
    assert time.process_time() - start < 30


class Multiple(tf.Module):
    """Several graph tokenizers in a `tf.function`."""

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
    process = subprocess.run(
        [sys.executable, "-c", SERVER, tmp_path],
        input=json.dumps([text.hex() for text in texts]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    actual = json.loads(process.stdout)
    for rows, tokenizer in zip(actual["ids"], cases, strict=True):
        assert rows == [encoding.ids.tolist() for encoding in tokenizer.encode_batch(texts)]
    assert {"UnicodeDecode", "LookupTableFindV2", "While"} < set(actual["operations"])
    foreign = re.compile("Xla|PyFunc|>|Random|Text|Sentencepiece|Wordpiece")
    assert not [name for name in actual["operations"] if foreign.search(name)]
    assert (tmp_path / "saved_model.pb").stat().st_size < 2_000_000  # bytes
