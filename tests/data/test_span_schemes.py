"""Span schemes: encode, decode, detect, and the allowed transitions."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import span_schemes


@st.composite
def tagged_spans(rng):
    """(spans, number of tokens): spans of one or more tokens, some side by side."""
    spans, end = [], 0
    for _ in range(rng(st.integers(0, 4))):
        start = end + rng(st.integers(0, 2))
        end = start + rng(st.integers(1, 3))
        spans.append((rng(st.sampled_from(["a", "b-c"])), start, end))
    return spans, end + rng(st.integers(0, 2))


@given(tagged_spans(), st.sampled_from(span_schemes.NAMES))
def test_round_trip(case, scheme):
    spans, count = case
    tags = span_schemes.encode(spans, count, scheme)
    assert len(tags) == count
    assert span_schemes.decode(tags) == spans
    assert span_schemes.count_repairs(tags, scheme) == 0
    if scheme != "iob1":
        assert span_schemes.decode(tags, strict=scheme) == spans


def test_the_three_schemes():
    spans = [("x", 0, 2), ("x", 2, 3), ("y", 4, 5)]
    assert span_schemes.encode(spans, 6, "bio") == ["B-x", "I-x", "B-x", "O", "B-y", "O"]
    assert span_schemes.encode(spans, 6, "iob1") == ["I-x", "I-x", "B-x", "O", "I-y", "O"]
    assert span_schemes.encode(spans, 6, "bioes") == ["B-x", "E-x", "S-x", "O", "S-y", "O"]


@pytest.mark.parametrize(
    ("tags", "spans", "count"),
    [
        (["I-x", "I-x", "O"], [("x", 0, 2)], 1),
        (["B-x", "I-y", "I-y"], [("x", 0, 1), ("y", 1, 3)], 1),
        (["O", "I-x", "O", "I-x"], [("x", 1, 2), ("x", 3, 4)], 2),
        (["B-x", "I-x"], [("x", 0, 2)], 0),
    ],
)
def test_an_inside_without_its_begin_is_repaired_and_counted(tags, spans, count):
    assert span_schemes.decode(tags) == spans
    assert span_schemes.count_repairs(tags, "bio") == count
    assert span_schemes.count_repairs(span_schemes.encode(spans, len(tags)), "bio") == 0


@pytest.mark.parametrize(
    ("sequences", "scheme"),
    [
        ([["B-x", "I-x", "O"], ["O"]], "bio"),
        ([["B-x", "O", "I-x"]], "bio"),  # a B- that separates no spans: broken BIO, not IOB1
        ([["I-x", "I-x", "O"], ["I-x", "B-x"]], "iob1"),
        ([["I-x", "O"]], "iob1"),
        ([["B-x", "E-x", "O", "S-y"]], "bioes"),
        ([["NOUN", "VERB", "X"]], "plain"),
        ([["B-x", "NOUN"]], "plain"),
        ([["O", "O"]], "plain"),
        ([["B-", "O"]], "plain"),
        ([[""]], "plain"),
        ([], "plain"),
    ],
)
def test_the_scheme_is_detected(sequences, scheme):
    assert span_schemes.detect(sequences) == scheme


@given(tagged_spans(), st.sampled_from(["bio", "bioes"]))
def test_encoded_tags_are_allowed_transitions(case, scheme):
    known = [f"{prefix}-{label}" for prefix, label in product("BIES" if scheme == "bioes" else "BI", ("a", "b-c"))]
    tags = span_schemes.encode(*case, scheme)
    known.append("O")
    allowed = span_schemes.transitions(known, scheme)
    states = [-1, *map(known.index, tags), -1]
    assert all(allowed[before][after] for before, after in pairwise(states))


def test_forbidden_transitions():
    bio, bioes = ["O", "B-x", "I-x", "I-y"], ["O", "B-x", "I-x", "E-x", "S-x", "E-y"]
    assert span_schemes.transitions(bio, "bio")[1] == [True, True, True, False, True]
    assert span_schemes.transitions(bio, "bio")[-1] == [True, True, False, False, True]
    assert span_schemes.transitions(bioes, "bioes")[1] == [False, False, True, True, False, False, False]
    assert span_schemes.transitions(bioes, "bioes")[3] == [True, True, False, False, True, False, True]
