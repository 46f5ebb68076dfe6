"""Batching inside an export: concurrent callers, each of whom gets its own answers; options, and full queues."""

import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from export_cases import TEXTS, assert_alike, row_of, small_pipeline

from zoo.export.export_options import Batching, ExportOptions, parse_batching
from zoo.runtime.errors import UserError

if keras.config.backend() != "tensorflow":
    pytest.skip("the graph runs in TensorFlow: tested on that backend", allow_module_level=True)

import tensorflow as tf

from zoo.export.graph.batching import batched

CALLERS = 32
NAMES = [f"Ann {i} Smith " + "lives in New York and " * (i % 7) for i in range(CALLERS)]


@pytest.fixture(scope="module", params=["classify_text", "tag_tokens"])
def model_and_answers(request, tmp_path_factory):
    """The signature of an export, and the answers that it gives to each of `NAMES` alone."""
    folder = tmp_path_factory.mktemp("exports") / "1"
    architecture = {"classify_text": "mlp", "tag_tokens": "conv"}[request.param]
    small_pipeline(request.param, architecture).export(folder, batching="max_batch_size=16")
    model = tf.saved_model.load(str(folder))
    return model, [_outputs(model, [text]) for text in NAMES]


def _outputs(model, texts):
    outputs = model.signatures["serving_default"](tf.constant(texts, tf.string))
    return {name: value.numpy().tolist() for name, value in outputs.items()}


def test_every_caller_gets_its_own_answer(model_and_answers):
    model, answers_alone = model_and_answers
    barrier = threading.Barrier(CALLERS)

    def call(number):
        barrier.wait()
        rows = [number, *((number * 7 + i) % CALLERS for i in range(number % 3))]
        return rows, [_outputs(model, [NAMES[row] for row in rows]) for _ in range(5)]

    with ThreadPoolExecutor(CALLERS) as executor:
        for rows, answers in executor.map(call, range(CALLERS)):
            for answer in answers:
                for i, row in enumerate(rows):
                    assert_alike(row_of(answer, i), row_of(answers_alone[row], 0))


def test_requests_larger_than_a_batch_and_without_rows(model_and_answers):
    model, answers_alone = model_and_answers
    outputs = _outputs(model, NAMES * 3)
    for i, answer in enumerate(answers_alone * 3):
        assert_alike(row_of(outputs, i), row_of(answer, 0))
    empty = model.signatures["serving_default"](tf.constant([], tf.string))
    for name, column in _outputs(model, TEXTS[:1]).items():
        assert empty[name].shape[0] == 0
        assert empty[name].shape.rank == np.array(column).ndim


def test_two_exports_in_a_process_do_not_share_a_queue(tmp_path):
    models = []
    for number, name in enumerate(("mlp", "averaging")):
        small_pipeline("classify_text", name).export(tmp_path / str(number))
        models.append(tf.saved_model.load(str(tmp_path / str(number))))
    alone = [_outputs(model, TEXTS)["probabilities"] for model in models]
    assert alone[0] != alone[1]
    with ThreadPoolExecutor(CALLERS) as executor:
        answers = list(executor.map(lambda i: _outputs(models[i % 2], TEXTS)["probabilities"], range(CALLERS)))
    for i, answer in enumerate(answers):
        np.testing.assert_allclose(answer, alone[i % 2], atol=1e-5)


def test_concurrent_rows_run_as_one_batch_and_a_full_queue_refuses():
    """The first batch waits until all other callers have called."""
    release, sizes = threading.Event(), []

    def observe(rows):
        sizes.append(len(rows))
        release.wait(30)
        return rows

    batching = Batching(max_batch_size=4, max_enqueued=2)
    run = batched(lambda x: {"x": tf.ensure_shape(tf.numpy_function(observe, [x], tf.string), [None])}, batching)
    function = tf.function(lambda x: run(x)["x"], [tf.TensorSpec([None], tf.string)], autograph=False)
    function.get_concrete_function()

    def call(number):
        try:
            return function(tf.constant([str(number)])).numpy().tolist() == [str(number).encode()]
        except tf.errors.UnavailableError as error:
            return error

    with ThreadPoolExecutor(24) as executor:
        calls = [executor.submit(call, number) for number in range(24)]
        while sum(done.done() for done in calls) < 10:  # those that found the queue full
            threading.Event().wait(0.05)
        release.set()
        results = [done.result() for done in calls]
    errors = [result for result in results if isinstance(result, tf.errors.UnavailableError)]
    assert errors
    assert all(result is True for result in results if result not in errors)
    assert max(sizes) == 4
    assert sum(sizes) == len(results) - len(errors)


def test_options_from_text_and_from_dicts():
    expected = Batching(max_batch_size=8, max_enqueued=3)
    assert parse_batching("max_batch_size=8, max_enqueued=3") == expected
    assert parse_batching({"max_batch_size": 8, "max_enqueued": 3}) == expected
    assert parse_batching(True) == parse_batching("on") == Batching()
    assert parse_batching(False) is parse_batching("off") is parse_batching(None) is None
    assert parse_batching(ExportOptions(batching=expected).arguments()[0].partition("=")[2]) == expected
    assert parse_batching(ExportOptions(batching=None).arguments()[0].partition("=")[2]) is None


@pytest.mark.parametrize(
    ("batching", "message"),
    [
        ("max_batch=8", "Unknown setting of batching. Received: 'max_batch'. Did you mean 'max_batch_size'?"),
        ("max_batch_size", "Expected batching as NAME=NUMBER,NAME=NUMBER, or off. Received: max_batch_size."),
        ("max_batch_size=many", "Expected max_batch_size in batching, a whole number of at least 1. Received: 'many'."),
        ("threads=--5", "Expected threads in batching, a whole number of at least 1. Received: '--5'."),
        ({"timeout_micros": -1}, "Expected timeout_micros in batching, a whole number of at least 0. Received: -1."),
        ({"threads": 1.5}, "Expected threads in batching, a whole number of at least 1. Received: 1.5."),
        (7, "Expected batching as a dict of settings, True or False. Received: batching=7."),
    ],
)
def test_bad_options_are_one_line(batching, message):
    with pytest.raises(UserError) as error:
        parse_batching(batching)
    assert str(error.value).startswith(message)


def test_beams_need_a_model_that_generates(tmp_path):
    pipeline = small_pipeline("classify_text", "mlp")
    with pytest.raises(UserError, match="Expected beams for a model that generates text. Received: beams=2, classify"):
        pipeline.export(tmp_path / "1", beams=2)
    with pytest.raises(UserError, match="Expected beams of at least 1, a whole number. Received: beams=0."):
        pipeline.export(tmp_path / "1", beams=0)
    with pytest.raises(UserError, match="Expected batching for a SavedModel. Received: batching='off', format='hugg"):
        pipeline.export(tmp_path / "1", "huggingface", batching="off")
