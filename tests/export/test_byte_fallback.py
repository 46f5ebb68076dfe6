"""SentencePiece's BPE with byte fallback (Llama 2) inside a TensorFlow graph: ids, offsets and text of the library."""

import json
from random import Random

import byte_fallback
import keras
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.text.tokenizer import Tokenizer

if keras.config.backend() != "tensorflow":
    pytest.skip("graph tokenizers run in TensorFlow: tested on that backend", allow_module_level=True)

import tensorflow as tf
from graph_assertions import FUZZ, Exported, assert_same, assert_same_characters

from zoo.export.tokenizer.detokenizer import Detokenizer

FEW = settings(FUZZ, max_examples=6)
RANDOM = st.randoms(use_true_random=False)
TEXTS = st.lists(st.text("abcdé日 ▁語💡\n", max_size=30).map(str.encode) | st.binary(max_size=20), min_size=20)


@FEW
@given(random=RANDOM, texts=TEXTS)
@pytest.mark.parametrize(
    "metaspace", [None, ("first", False), ("always", False), ("always", True), ("never", True), ("never", False)]
)
def test_ids_and_offsets(metaspace, random, texts):
    tokenizer = byte_fallback.build(random, metaspace)
    exported = Exported(tokenizer.to_graph())
    assert_same_characters(tokenizer, exported.ragged_ids, [b"", b" ", b"  a", *texts])
    assert_same(tokenizer, exported.serve, texts)
    assert exported.traces == 1


@FEW
@given(random=RANDOM, prompt=st.sampled_from(["", "ab"]), data=st.data())
def test_text_of_ids(random, prompt, data):
    """Also where a run of byte tokens is not UTF-8: each of its bytes becomes U+FFFD."""
    tokenizer = byte_fallback.build(random)
    byte = st.sampled_from([tokenizer.id(f"<0x{byte:02X}>") for byte in (0x20, 0x41, 0xE6, 0x97, 0xA5, 0xFF)])
    ids = st.integers(0, tokenizer.vocabulary_size - 1) | byte
    rows = data.draw(st.lists(st.lists(ids, max_size=8), min_size=1, max_size=60))
    before = tokenizer.encode(prompt, special=False).ids.tolist()
    table = tf.ragged.constant(rows, tf.int32, ragged_rank=1)
    prompts = tf.tile(tf.constant([before], tf.int32), [len(rows), 1])
    detokenizer = Detokenizer(tokenizer, tokenizer.vocabulary_size)
    texts = detokenizer(table.to_tensor(0), table.row_lengths(), prompts)
    for row, text in zip(rows, texts.numpy(), strict=True):
        both = tokenizer.decode([*before, *row])
        expected = both[len(prompt) :] if both.startswith(prompt) else tokenizer.decode(row)
        assert text.decode() == expected.rstrip("\ufffd"), row


def change(tokenizer, **parts):
    spec = json.loads(tokenizer.backend.to_str())
    for part, values in parts.items():
        spec[part] |= values
    return Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(spec)))


def test_tokenizers_without_an_exact_equal():
    tokenizer = byte_fallback.build(Random(0))
    vocabulary = json.loads(tokenizer.backend.to_str())["model"]["vocab"]
    fewer = {token: id for token, id in vocabulary.items() if id != 100}
    with pytest.raises(ValueError, match="no exact equal inside TensorFlow: its model sets ignore_merges"):
        change(tokenizer, model={"ignore_merges": True}).to_graph()
    with pytest.raises(ValueError, match="its vocabulary lacks some bytes"):
        change(tokenizer, model={"vocab": fewer}).to_graph()
    changed = change(tokenizer, decoder={"decoders": [{"type": "ByteFallback"}]})
    with pytest.raises(ValueError, match="its decoder is Sequence, ByteFallback"):
        Detokenizer(changed, tokenizer.vocabulary_size)
