"""Runs of a question on a context of several windows: the window of the answer."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_pipelines import tiny_pipeline

from zoo.explore import variants
from zoo.explore.attribution import GRADIENT, attribute
from zoo.explore.text_run import run_text
from zoo.explore.variants import masked_variants

CONTEXT = "the cat sat on the mat a dog ran to the old house where is my parcel today it was late " * 3
QUESTIONS = ["where is it", "who ran", "was it late", "my parcel", "a", "old house", "today"]


@pytest.fixture(scope="module")
def run_of():
    """Runs a question on `CONTEXT`, which is read in several windows."""
    pipeline = tiny_pipeline("find_span", "bert", length=20, stride=6)
    random = np.random.default_rng(0)
    for weight in pipeline.model.trainable_weights:
        weight.assign(random.normal(size=weight.shape) * 0.3)
    return lambda question: run_text(pipeline, {"question": question, "context": CONTEXT})


def test_the_window_of_the_answer_is_run(run_of):
    runs = [run_of(question) for question in QUESTIONS]
    assert len({run.example for run in runs}) > 1
    for run in runs:
        answer = run.pipeline.answers([run.record])[0]["answer"]
        attribution = attribute(run, [GRADIENT], choices=2)
        start, end = (int(attribution.outputs[i].partition(" ")[2].partition(":")[0]) for i in attribution.chosen)
        assert "".join(token.text for token in run.sequences["tokens"][start : end + 1]).split() == answer.split()


def test_a_masked_token_is_that_of_the_window(run_of, monkeypatch):
    """An unknown word in its place in the context gives the same answer: the last window alone holds the last word."""
    run = next(run for run in map(run_of, QUESTIONS) if run.example)
    monkeypatch.setattr(variants, "mask_id", lambda tokenizer: tokenizer.unknown)
    (windows,) = run.pipeline.objective.windows([run.record], run.pipeline.tokenizer)
    inputs = {"tokens": windows[-1].ids[None], "segments": windows[-1].segments[None]}
    last = replace(run, example=len(windows) - 1, inputs=inputs)
    (variant,) = masked_variants(last, [windows[-1].context.stop - 1])
    context = CONTEXT.strip().rpartition(" ")[0] + " unknown"
    answer = run.pipeline.predict((run.record["question"], context))
    assert variant.answer == run.pipeline.objective.format(answer)
