"""Added tokens give the same ids and offsets inside a TensorFlow graph."""

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

if keras.config.backend() != "tensorflow":
    pytest.skip("graph tokenizers run in TensorFlow: tested on that backend", allow_module_level=True)

from graph_assertions import FUZZ, TEXT, Exported, assert_same, assert_same_characters

ADDED = ("zoo", "zo", "ozoo", "c++", "字ß", "<mas", "e\u0301x")
PARTS = (
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
def added_and_exported(request, make):
    tokenizer = make(request.param).with_tokens(ADDED)
    return tokenizer, Exported(tokenizer.to_graph())


@FUZZ
@given(texts=st.lists(st.lists(st.sampled_from(PARTS), max_size=8).map("".join).map(str.encode) | TEXT, max_size=6))
def test_added_tokens(added_and_exported, texts):
    tokenizer, exported = added_and_exported
    assert_same(tokenizer, exported.serve, texts)
    assert_same_characters(tokenizer, exported.ragged_ids, texts)


def test_added_tokens_beside_every_character(added_and_exported):
    tokenizer, exported = added_and_exported
    points = [*range(0x80), *range(0x300, 0x3100), *range(0xF900, 0x10000), *range(0x1F000, 0x1FA00)]
    texts = ["".join(f" zoo{chr(c)} {chr(c)}zoo" for c in points[i : i + 64]) for i in range(0, len(points), 64)]
    assert_same(tokenizer, exported.serve, [text.encode() for text in texts])


def test_lines_with_added_tokens(added_and_exported, lines):
    tokenizer, exported = added_and_exported
    assert_same(tokenizer, exported.serve, [line.replace(b"a", b" zoo ").replace(b"e", b"zo") for line in lines[:1000]])
