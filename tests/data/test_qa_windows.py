"""Windows over a context and the spans found in them: against plain loops, for every kind of tokenizer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TRAINABLE

from zoo import catalog
from zoo.data.qa_windows import qa_windows
from zoo.text.template import SpecialTokenTemplate
from zoo.text.tokenizer import Tokenizer

TEXTS = ["Where is Ann?", "Ann, from Łódź, is in Rome. She likes it there, and her cat does too.", "don't 🙂 stop"]
text = st.text("ab ł🙂.\n", max_size=30)


@pytest.fixture(scope="module", params=TRAINABLE)
def tokenizer(request):
    settings = {"bytes": {}, "characters": {}}.get(request.param, {"vocabulary": 300})
    return catalog.load("tokenizers", request.param)(**settings).train(TEXTS * 3)


def windows_of(tokenizer, question, context, length, stride, template=None):
    """(encoding of the context, its windows)."""
    question_ids, context_ids = (tokenizer.encode(text, special=False) for text in (question, context))
    return context_ids, qa_windows(question_ids, context_ids, template or tokenizer.template, length, stride)


@settings(max_examples=60)
@given(st.text("ab ?", max_size=8), text, st.integers(12, 40), st.integers(1, 20))
def test_windows_hold_every_token_of_the_context_in_order(tokenizer, question, context, length, stride):
    encoding, actual = windows_of(tokenizer, question, context, length, stride)
    question_ids = tokenizer.encode(question, special=False)
    seen = set()
    for window in actual:
        assert len(window.ids) == len(window.segments) <= length
        np.testing.assert_array_equal(window.ids[window.context], encoding.ids[window.tokens])
        np.testing.assert_array_equal(window.ids[1 : 1 + len(question_ids)], question_ids.ids)
        assert window.segments[window.context].all()
        assert not window.segments[: window.start].any()
        seen.update(range(window.tokens.start, window.tokens.stop))
    assert seen == set(range(len(encoding)))
    starts = [window.tokens.start for window in actual]
    assert all(0 < later - earlier <= stride for earlier, later in itertools.pairwise(starts))
    assert [window.tokens.stop == len(encoding) for window in actual] == [False] * (len(actual) - 1) + [True]


@settings(max_examples=60)
@given(text, st.data())
def test_find_covers_the_answer_and_no_further_token(tokenizer, context, data):
    encoding, actual = windows_of(tokenizer, "b?", context, 16, 5)
    start = data.draw(st.integers(0, len(context)))
    end = data.draw(st.integers(start, len(context)))
    covering = [i for i, (first, last) in enumerate(encoding.offsets) if first < end and last > start]
    for window in actual:
        span = window.find(start, end)
        full = covering and window.tokens.start <= covering[0] and covering[-1] < window.tokens.stop
        assert (span is not None) == bool(full)
        if full:
            assert (np.array(span) - window.start + window.tokens.start).tolist() == [covering[0], covering[-1]]
            first, last = encoding.offsets[covering[0], 0], encoding.offsets[covering[-1], 1]
            assert not context[start:end].strip() or context[start:end].strip() in context[first:last]


def test_without_special_tokens_the_first_index_is_not_in_the_context():
    tokenizer = catalog.load("tokenizers", "words")().train(TEXTS)
    for question in ("", "Ann"):
        for window in windows_of(tokenizer, question, "is in Rome", 3, 1, SpecialTokenTemplate())[1]:
            assert window.start == 1
            assert len(window.ids[window.context]) == window.tokens.stop - window.tokens.start
    (window,) = windows_of(tokenizer, "", "", 3, 1, SpecialTokenTemplate())[1]
    assert window.find(0, 0) is None


def test_a_question_that_leaves_no_room():
    tokenizer = catalog.load("tokenizers", "words")().train(TEXTS)
    with pytest.raises(ValueError, match=r"Expected room for the context beside 3 ids. Received: length=6\."):
        windows_of(tokenizer, "Where is Ann", "in Rome", 6, 2)


def test_foreign_tokenizers_have_windows_too():
    """One that puts no special tokens at all, as GPT-2's does."""
    backend = catalog.load("tokenizers", "words")().train(TEXTS).backend
    backend.post_processor = None
    foreign = Tokenizer(backend)
    _, actual = windows_of(foreign, "Where is Ann?", TEXTS[1], 8, 3)
    assert [window.start for window in actual] == [4] * len(actual)
    assert actual[0].find(*_position("from")) is not None


def _position(word):
    start = TEXTS[1].index(word)
    return start, start + len(word)
