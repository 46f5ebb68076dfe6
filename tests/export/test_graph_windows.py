"""Sliding windows inside a TensorFlow graph equal those of `zoo.data.qa_windows`, and spans those of Python."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import catalog
from zoo.data.qa_windows import NO_ANSWER, qa_windows, strip_span
from zoo.export.tokenizer.graph_windows import qa_windows as graph_windows
from zoo.export.tokenizer.graph_windows import slice_spans, truncate
from zoo.text.tokenizer import Tokenizer

TEXTS = ["Where is Ann?", "Ann, from Łódź, is in Rome. She likes it there, and her cat does too.", "don't 🙂 stop"]
LENGTH, STRIDE, QUESTION_LENGTH, PADDING = 14, 4, 6, 0
text = st.text("ab ł🙂.\n\u00a0", max_size=24)


@pytest.fixture(scope="module", params=["words", "word_pieces", "byte_pairs", "characters", "bare"])
def graph(request):
    """(tokenizer, graph function of its windows and spans); "bare" has no special tokens."""
    name = "words" if request.param == "bare" else request.param
    settings = {"vocabulary": 300} if name in ("word_pieces", "byte_pairs") else {}
    tokenizer = catalog.load("tokenizers", name)(**settings).train(TEXTS * 3)
    if request.param == "bare":
        tokenizer.backend.post_processor = None
        tokenizer = Tokenizer(tokenizer.backend)
    graph_tokenizer = tokenizer.to_graph()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2, jit_compile=False)
    def run(questions, contexts):
        ragged_ids = graph_tokenizer.ragged_ids
        question, context = truncate(ragged_ids(questions), QUESTION_LENGTH), ragged_ids(contexts)
        windows = graph_windows(question, context, graph_tokenizer.template, LENGTH, STRIDE, PADDING)
        row = tf.range(tf.size(contexts, tf.int64))
        first = tf.where(context.lengths > 0, tf.minimum(row, context.lengths - 1), -1)
        return (*windows, *slice_spans(contexts, context, first, context.lengths - 1))

    return tokenizer, run


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text("ab ?", max_size=9), text), min_size=1, max_size=4))
def test_windows_and_spans(graph, pairs):
    tokenizer, run = graph
    ids, segments, record, token, *actual = (tensor.numpy() for tensor in run(*map(list, zip(*pairs, strict=True))))
    row = 0
    for number, (question, context) in enumerate(pairs):
        question_encoding = tokenizer.encode(question, length=QUESTION_LENGTH, special=False)
        encoding = tokenizer.encode(context, special=False)
        for window in qa_windows(question_encoding, encoding, tokenizer.template, LENGTH, STRIDE):
            size = len(window.ids)
            assert record[row] == number
            np.testing.assert_array_equal(ids[row, :size], window.ids)
            np.testing.assert_array_equal(segments[row, :size], window.segments)
            assert not ids[row, size:].any()
            assert not segments[row, size:].any()
            expected = np.full(token.shape[1], -1)
            expected[window.context] = range(window.tokens.start, window.tokens.stop)
            np.testing.assert_array_equal(token[row], expected)
            assert token[row, NO_ANSWER] == -1
            row += 1
        answer, start, end = (column[number] for column in actual)
        if len(encoding):
            first = min(number, len(encoding) - 1)
            start_, end_ = strip_span(context, int(encoding.offsets[first, 0]), int(encoding.offsets[-1, 1]))
            assert (answer.decode(), start, end) == (context[start_:end_], start_, end_)
        else:
            assert (answer, start, end) == (b"", -1, -1)
    assert row == len(ids)


def test_no_questions(graph):
    ids, *_ = graph[1](tf.zeros([0], tf.string), tf.zeros([0], tf.string))
    assert ids.shape[0] == 0


def test_texts_that_are_not_utf8(graph):
    run = graph[1]
    context = b"is\xff in \xe2\x82 Rome"
    *_, answer, start, end = run([b"\xff?"], [context])
    decoded = context.decode("utf-8", "replace")
    assert decoded[int(start[0]) : int(end[0])] == answer.numpy()[0].decode()
    assert answer.numpy()[0].decode().endswith("Rome")
