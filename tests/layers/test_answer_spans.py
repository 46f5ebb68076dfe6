"""Span logits, their loss and the best spans against plain NumPy; masked tokens, causal networks, half precision."""

from itertools import product

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops
from tiny import shrink

from zoo.layers import answer_spans


def targets(rows, time, unmasked, spans):
    """(rows, time, 3) targets; `unmasked` are indices of tokens in every row, `spans` the (start, end) of each row."""
    array = np.zeros((rows, time, 3), "float32")
    array[:, unmasked, 0] = 1
    for row, (start, end) in enumerate(spans):
        array[row, start, 1] = array[row, end, 2] = 1
    return array


def test_the_loss_is_the_mean_of_two_cross_entropies_over_unmasked_tokens():
    logits = np.random.default_rng(0).normal(size=(2, 6, 2)).astype("float32") * 3
    unmasked, spans = [0, 2, 3, 4], [(2, 4), (0, 0)]
    expected = []
    for row, span in zip(logits, spans, strict=True):
        expected.append(np.mean([np.log(np.exp(row[unmasked, k]).sum()) - row[span[k], k] for k in (0, 1)]))
    loss = answer_spans.SpanLoss(reduction=None)
    actual = ops.convert_to_numpy(loss(targets(2, 6, unmasked, spans), logits))
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    logits[:, [1, 5]] = 1e4  # masked: neither start nor end of a span
    np.testing.assert_allclose(ops.convert_to_numpy(loss(targets(2, 6, unmasked, spans), logits)), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_loss_is_finite_in_half_precision(dtype):
    logits = ops.cast(np.full((1, 5, 2), -1e3, "float32"), dtype)
    loss = answer_spans.SpanLoss()(targets(1, 5, [0, 3], [(3, 3)]), logits)
    assert float(ops.convert_to_numpy(loss)) == pytest.approx(np.log(2), rel=1e-3)


@pytest.mark.parametrize("causal", [True, False])
def test_the_first_token_has_the_logits_of_the_last_in_a_causal_network(causal):
    architecture = shrink("conv", causal=causal, kernel=2, dropout=0.0)
    backbone = architecture.backbone()
    model = keras.Model(
        backbone.input, answer_spans.span_logits(backbone.output, backbone.input["tokens"], architecture)
    )
    tokens = np.array([[5, 6, 7, 8, 9, 10, 0], [5, 6, 7, 8, 9, 11, 0]], "int32")
    first, second = model.predict_on_batch({"tokens": tokens})
    assert (np.abs(first[0] - second[0]).max() > 1e-4) == causal
    if causal:
        np.testing.assert_allclose(first[0], first[5], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(first[1:5], second[1:5], rtol=1e-5, atol=1e-6)


def test_exact_match_is_at_tokens_of_the_question():
    tokens, segments = np.array([[2, 7, 8, 3, 8, 9, 3, 0]]), np.array([[0, 0, 0, 0, 1, 1, 1, 0]])
    question = answer_spans.QuestionMask()(segments, tokens != 0)
    assert ops.convert_to_numpy(question)[0].tolist() == [True] * 4 + [False] * 4
    match = ops.convert_to_numpy(answer_spans.ExactMatch()(tokens, question))[0, :, 0]
    assert match.tolist() == [1, 1, 1, 1, 1, 0, 1, 0]


def test_question_matching_lets_far_tokens_attend_to_the_question():
    backbone = shrink("conv", kernel=2, dropout=0.0, embedding_dropout=0.0, word_dropout=0.0).backbone()
    segments = keras.Input((None,), dtype="int32", name="segments")
    matched = answer_spans.match_question(backbone.output, backbone.input["tokens"], segments, 0, 0.0)
    tokens = np.array([[2, 7, 3, *range(10, 30), 3, 0], [2, 8, 3, *range(10, 30), 3, 0]], "int32")
    segment_ids = np.where(np.arange(25) < 3, 0, 1) * np.ones((2, 1), "int32")
    changes = {}
    for name, output in {"network": backbone.output, "matched": matched}.items():
        model = keras.Model({"tokens": backbone.input["tokens"], "segments": segments}, output)
        first, second = model.predict_on_batch({"tokens": tokens, "segments": segment_ids})
        changes[name] = np.abs(first - second)[-6:-2].max()
    assert changes["network"] < 1e-5
    assert changes["matched"] > 1e-5


def spans_by_hand(windows, max_length, count):
    """{(first, last): score} of the best spans of one record, from (first index, tokens, logits) of its windows."""
    scores = {}
    for offset, tokens, logits in windows:
        for first, last in product(range(tokens.start, tokens.stop), repeat=2):
            if first <= last < first + max_length:
                start, end = logits[offset + first - tokens.start, 0], logits[offset + last - tokens.start, 1]
                score = start + end - logits[0].sum()
                scores[first, last] = max(score, scores.get((first, last), -np.inf))
    return dict(sorted(scores.items(), key=lambda item: -item[1])[:count])


def test_top_spans_are_those_of_an_exhaustive_search():
    """Three records: two windows that overlap, no token of the context, one window."""
    layout = [(0, 3, 0, 4), (0, 2, 3, 7), (1, 4, 0, 0), (2, 2, 0, 3)]  # record, first index, tokens from and to
    sizes, time, max_length, count = [7, 0, 3], 8, 3, 5
    logits = np.random.default_rng(1).normal(size=(len(layout), time, 2)).astype("float32")
    token = np.full((len(layout), time), -1)
    for row, (_, offset, start, end) in enumerate(layout):
        token[row, offset : offset + end - start] = range(start, end)
    record = np.array([row[0] for row in layout])
    context = np.arange(max(sizes)) < np.array(sizes)[:, None]
    tensors = map(ops.convert_to_tensor, (logits, record, token, context))
    scores, first, last = map(ops.convert_to_numpy, answer_spans.top_spans(*tensors, max_length, count))
    for number in range(len(sizes)):
        pairs = zip(layout, logits, strict=True)
        windows = [(offset, slice(start, end), row) for (i, offset, start, end), row in pairs if i == number]
        expected, exists = spans_by_hand(windows, max_length, count), np.isfinite(scores[number])
        assert list(zip(first[number][exists], last[number][exists], strict=True)) == list(expected)
        np.testing.assert_allclose(scores[number][exists], list(expected.values()), rtol=1e-5, atol=1e-6)


# Few different values, so that many spans have the same score.
elements = st.sampled_from([-2.0, 0.0, 0.5, 3.0])
logits_with_ties = st.integers(0, 6).flatmap(lambda n: arrays(np.float32, (n, 2), elements=elements))


@given(logits_with_ties, st.integers(1, 7), st.integers(1, 8))
def test_spans_of_equal_scores_come_in_the_order_of_their_tokens(logits, max_length, count):
    expected = spans_by_hand([(1, slice(0, len(logits)), np.pad(logits, ((1, 0), (0, 0))))], max_length, count)
    token = np.append(-1, np.arange(max(len(logits), 1)))[None]
    token[:, len(logits) + 1 :] = -1
    window = np.zeros((1, token.shape[1], 2), "float32")
    window[0, 1 : len(logits) + 1] = logits
    tensors = map(ops.convert_to_tensor, (window, np.zeros(1, "int32"), token, token[:, 1:] >= 0))
    scores, first, last = (
        ops.convert_to_numpy(array)[0] for array in answer_spans.top_spans(*tensors, max_length, count)
    )
    exists = np.isfinite(scores)
    assert list(zip(first[exists], last[exists], strict=True)) == list(expected)
    assert scores[exists].tolist() == list(expected.values())


def test_windows_are_compared_by_how_much_they_exceed_no_answer():
    logits, token = np.zeros((2, 6, 2), "float32"), np.array([[-1, -1, 0, 1, 2, -1], [-1, -1, 1, 2, 3, -1]])
    logits[0, 0], logits[0, 3] = 5, (4, 3)  # the second token by itself: 7 against 10
    logits[1, 0], logits[1, 2], logits[1, 4] = -1, (1, 0), (2, 0)  # the same token: 1 against -2; the last one: 2
    tensors = map(ops.convert_to_tensor, (logits, np.zeros(2, "int32"), token, np.ones((1, 4), bool)))
    scores, first, last = (ops.convert_to_numpy(array)[0].tolist() for array in answer_spans.top_spans(*tensors, 3, 3))
    assert (first, last, scores) == ([3, 1, 1], [3, 1, 2], [4.0, 3.0, 3.0])
