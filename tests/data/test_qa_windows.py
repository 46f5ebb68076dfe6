"""Windows over a context and the spans found in them: against plain loops, for every kind of tokenizer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny import LEARNED

from zoo import catalog
from zoo.data.qa_windows import NO_ANSWER, Spans, Window, best_spans, qa_windows
from zoo.text.template import SpecialTokenTemplate
from zoo.text.tokenizer import Tokenizer

TEXTS = ["Where is Ann?", "Ann, from Łódź, is in Rome. She likes it there, and her cat does too.", "don't 🙂 stop"]
text = st.text("ab ł🙂.\n", max_size=30)


@pytest.fixture(scope="module", params=LEARNED)
def tokenizer(request):
    settings = {"bytes": {}, "characters": {}}.get(request.param, {"vocabulary": 300})
    return catalog.load("tokenizers", request.param)(**settings).train(TEXTS * 3)


def made(tokenizer, question, context, length, stride, layout=None):
    asked, read = (tokenizer.encode(text, special=False) for text in (question, context))
    return read, qa_windows(asked, read, layout or tokenizer.template, length, stride)


@settings(deadline=None, max_examples=60)
@given(st.text("ab ?", max_size=8), text, st.integers(12, 40), st.integers(1, 20))
def test_windows_hold_every_token_of_the_context_in_order(tokenizer, question, context, length, stride):
    read, found = made(tokenizer, question, context, length, stride)
    asked = tokenizer.encode(question, special=False)
    seen = set()
    for window in found:
        assert len(window.ids) == len(window.segments) <= length
        np.testing.assert_array_equal(window.ids[window.context], read.ids[window.tokens])
        np.testing.assert_array_equal(window.ids[1 : 1 + len(asked)], asked.ids)
        assert window.segments[window.context].all()
        assert not window.segments[: window.start].any()
        seen.update(range(window.tokens.start, window.tokens.stop))
    assert seen == set(range(len(read)))
    starts = [window.tokens.start for window in found]
    assert all(0 < later - earlier <= stride for earlier, later in itertools.pairwise(starts))
    assert [window.tokens.stop == len(read) for window in found] == [False] * (len(found) - 1) + [True]


@settings(deadline=None, max_examples=60)
@given(text, st.data())
def test_what_is_found_covers_the_answer_and_no_token_more(tokenizer, context, data):
    read, found = made(tokenizer, "b?", context, 16, 5)
    start = data.draw(st.integers(0, len(context)))
    end = data.draw(st.integers(start, len(context)))
    covering = [i for i, (first, last) in enumerate(read.offsets) if first < end and last > start]
    for window in found:
        span = window.find(start, end)
        whole = covering and window.tokens.start <= covering[0] and covering[-1] < window.tokens.stop
        assert (span is not None) == bool(whole)
        if whole:
            assert (np.array(span) - window.start + window.tokens.start).tolist() == [covering[0], covering[-1]]
            first, last = read.offsets[covering[0], 0], read.offsets[covering[-1], 1]
            assert not context[start:end].strip() or context[start:end].strip() in context[first:last]


def test_without_special_tokens_the_first_place_is_never_one_of_the_context():
    tokenizer = catalog.load("tokenizers", "words")().train(TEXTS)
    for question in ("", "Ann"):
        for window in made(tokenizer, question, "is in Rome", 3, 1, SpecialTokenTemplate())[1]:
            assert window.start == 1
            assert len(window.ids[window.context]) == window.tokens.stop - window.tokens.start
    (window,) = made(tokenizer, "", "", 3, 1, SpecialTokenTemplate())[1]
    assert window.find(0, 0) is None


def test_a_question_that_leaves_no_room():
    tokenizer = catalog.load("tokenizers", "words")().train(TEXTS)
    with pytest.raises(ValueError, match=r"Expected room for the context beside 3 ids. Received: length=6\."):
        made(tokenizer, "Where is Ann", "in Rome", 6, 2)


def every_span(logits, longest):
    for i, j in itertools.product(range(len(logits)), repeat=2):
        if 0 <= j - i < longest:
            yield (i, j), float(logits[i, 0]) + float(logits[j, 1])


# Few different numbers, so that many spans have the same score.
logits = st.integers(0, 6).flatmap(
    lambda n: arrays(np.float32, (n, 2), elements=st.sampled_from([-2.0, 0.0, 0.5, 3.0]))
)


@settings(deadline=None)
@given(logits, st.integers(1, 7), st.integers(1, 8))
def test_the_best_spans_are_those_that_a_search_finds(logits, longest, count):
    spans, scores = best_spans(logits, longest, count)
    expected = sorted(every_span(logits, longest), key=lambda pair: (-pair[1], pair[0]))[:count]
    assert [tuple(span) for span in spans.tolist()] == [span for span, _ in expected]
    assert scores.tolist() == [score for _, score in expected]


def window(first, tokens, offsets):
    return Window(np.zeros(0, np.int32), np.zeros(0, np.int32), first, tokens, np.array(offsets).reshape(-1, 2))


def test_windows_are_compared_by_how_much_they_exceed_no_answer():
    offsets = [(0, 3), (4, 6), (7, 9), (10, 14)]
    one, other = window(2, slice(0, 3), offsets), window(2, slice(1, 4), offsets)
    first, second = np.zeros((6, 2)), np.zeros((6, 2))
    first[NO_ANSWER], first[3] = 5, (4, 3)  # "is" by itself: 7 against 10
    second[NO_ANSWER], second[2], second[4] = -1, (1, 0), (2, 0)  # the same word: 1 against -2; Rome 2
    spans = Spans.combine([(one, first), (other, second)], 3, 3)
    assert spans.offsets.tolist() == [[10, 14], [4, 6], [4, 9]]
    assert spans.scores.tolist() == [4.0, 3.0, 3.0]
    shares, nothing = spans.probabilities(abstain=True)
    weights = np.exp([4, 3, 3, 0])
    np.testing.assert_allclose([*shares, nothing], weights / weights.sum())
    shares, nothing = spans.probabilities(abstain=False)
    np.testing.assert_allclose(shares, weights[:3] / weights[:3].sum())
    assert nothing == 0


def test_a_context_without_a_token_has_no_answer():
    spans = Spans.combine([(window(3, slice(0, 0), []), np.ones((4, 2)))], 5, 3)
    for abstain in (True, False):
        shares, nothing = spans.probabilities(abstain)
        assert (len(shares), nothing) == (0, 1.0)


def test_foreign_tokenizers_have_windows_too():
    """One that puts no special tokens at all, as GPT-2's does."""
    backend = catalog.load("tokenizers", "words")().train(TEXTS).backend
    backend.post_processor = None
    foreign = Tokenizer(backend)
    _, found = made(foreign, "Where is Ann?", TEXTS[1], 8, 3)
    assert [window.start for window in found] == [4] * len(found)
    assert found[0].find(*_place("from")) is not None


def _place(word):
    start = TEXTS[1].index(word)
    return start, start + len(word)
