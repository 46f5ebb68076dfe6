"""Logits and loss of spans: against plain NumPy, hidden places, causal networks, half precision."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import shrunk

from zoo.data.qa_windows import Spans, Window
from zoo.layers import answer_spans


def targets(rows, time, possible, chosen):
    """(rows, time, 3) targets; `possible` are places of every row, `chosen` (begin, end) of each."""
    array = np.zeros((rows, time, 3), "float32")
    array[:, possible, 0] = 1
    for row, (begin, end) in enumerate(chosen):
        array[row, begin, 1] = array[row, end, 2] = 1
    return array


def test_the_loss_is_the_mean_of_two_cross_entropies_over_possible_places():
    logits = np.random.default_rng(0).normal(size=(2, 6, 2)).astype("float32") * 3
    possible, chosen = [0, 2, 3, 4], [(2, 4), (0, 0)]
    expected = []
    for row, places in zip(logits, chosen, strict=True):
        each = [np.log(np.exp(row[possible, k]).sum()) - row[places[k], k] for k in (0, 1)]
        expected.append(np.mean(each))
    loss = answer_spans.SpanLoss(reduction=None)
    found = ops.convert_to_numpy(loss(targets(2, 6, possible, chosen), logits))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    logits[:, [1, 5]] = 1e4  # neither beginning nor end can be there
    np.testing.assert_allclose(ops.convert_to_numpy(loss(targets(2, 6, possible, chosen), logits)), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_loss_is_finite_in_half_precision(dtype):
    logits = ops.cast(np.full((1, 5, 2), -1e3, "float32"), dtype)
    loss = answer_spans.SpanLoss()(targets(1, 5, [0, 3], [(3, 3)]), logits)
    assert float(ops.convert_to_numpy(loss)) == pytest.approx(np.log(2), rel=1e-3)


def test_both_places_must_be_right():
    logits = np.zeros((3, 4, 2), "float32")
    logits[:, 1, 0], logits[:, 2, 1] = 1, 1
    logits[:, 3] = 9  # hidden
    wanted = targets(3, 4, [0, 1, 2], [(1, 2), (1, 1), (0, 0)])
    assert ops.convert_to_numpy(answer_spans.exact_match(wanted, logits)).tolist() == [1, 0, 0]


@pytest.mark.parametrize(("causal", "knows"), [(True, True), (False, False)])
def test_where_nothing_later_is_seen_the_first_place_asks_the_last(causal, knows):
    architecture = shrunk("conv", causal=causal, kernel=2, dropout=0.0)
    backbone = architecture.backbone()
    model = keras.Model(backbone.input, answer_spans.span_logits(backbone.output, backbone.input["tokens"], architecture))
    tokens = np.array([[5, 6, 7, 8, 9, 10, 0], [5, 6, 7, 8, 9, 11, 0]], "int32")
    one, other = model.predict_on_batch({"tokens": tokens})
    assert (np.abs(one[0] - other[0]).max() > 1e-4) == knows
    if knows:
        np.testing.assert_allclose(one[0], one[5], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one[1:5], other[1:5], rtol=1e-5, atol=1e-6)


def test_shared_tokens_are_those_of_the_question():
    tokens, segments = np.array([[2, 7, 8, 3, 8, 9, 3, 0]]), np.array([[0, 0, 0, 0, 1, 1, 1, 0]])
    question = answer_spans.Question()(segments, tokens != 0)
    assert ops.convert_to_numpy(question)[0].tolist() == [True] * 4 + [False] * 4
    shared = ops.convert_to_numpy(answer_spans.ExactMatch()(tokens, question))[0, :, 0]
    assert shared.tolist() == [1, 1, 1, 1, 1, 0, 1, 0]


def test_comparing_makes_far_tokens_see_the_question():
    backbone = shrunk("conv", kernel=2, dropout=0.0, embedding_dropout=0.0, word_dropout=0.0).backbone()
    segments = keras.Input((None,), dtype="int32", name="segments")
    compared = answer_spans.match_question(backbone.output, backbone.input["tokens"], segments, 0, 0.0)
    tokens = np.array([[2, 7, 3, *range(10, 30), 3, 0], [2, 8, 3, *range(10, 30), 3, 0]], "int32")
    kinds = np.where(np.arange(25) < 3, 0, 1) * np.ones((2, 1), "int32")
    changes = {}
    for name, output in {"network": backbone.output, "compared": compared}.items():
        model = keras.Model({"tokens": backbone.input["tokens"], "segments": segments}, output)
        one, other = model.predict_on_batch({"tokens": tokens, "segments": kinds})
        changes[name] = np.abs(one - other)[-6:-2].max()
    assert changes["network"] < 1e-5
    assert changes["compared"] > 1e-5


def test_the_strongest_spans_in_tensors_are_those_of_plain_windows():
    """Three records: two windows that overlap, none of the tokens, one window."""
    layout = [(0, 3, 0, 4), (0, 2, 3, 7), (1, 4, 0, 0), (2, 2, 0, 3)]  # record, first place, tokens from and to
    counts, time, longest, best = [7, 0, 3], 8, 3, 5
    logits = np.random.default_rng(1).normal(size=(len(layout), time, 2)).astype("float32")
    token = np.full((len(layout), time), -1)
    for row, (_, first, start, end) in enumerate(layout):
        token[row, first : first + end - start] = range(start, end)
    record = np.array([row[0] for row in layout])
    tensors = map(ops.convert_to_tensor, (logits, record, token, np.array(counts)))
    found = answer_spans.top_spans(*tensors, longest, best)
    scores, first, last = map(ops.convert_to_numpy, found)
    for number, tokens in enumerate(counts):
        offsets = np.stack([np.arange(tokens), np.arange(tokens) + 1], 1)  # each token is one character
        own = [
            (Window(np.zeros(time), np.zeros(time), at, slice(start, end), offsets), row_logits)
            for (of, at, start, end), row_logits in zip(layout, logits, strict=True)
            if of == number
        ]
        expected = Spans.combine(own, longest, best)
        there = np.isfinite(scores[number])
        assert there.sum() == len(expected.scores)
        np.testing.assert_allclose(scores[number][there], expected.scores, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(np.stack([first[number], last[number] + 1], 1)[there], expected.offsets)
