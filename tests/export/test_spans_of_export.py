"""An exported question-answering model, run as a stock server runs it, gives the answers of `predict`."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from tiny import shrink

from zoo import catalog
from zoo.objectives import build_model
from zoo.objectives.find_span import FindSpan
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset

CONTEXTS = [
    "Ann, from Łódź, is in Rome. " * 6 + "She likes it there, and her cat does too.",
    "Rome.",
    "",
    " \u00a0naïve 日本語 👩‍👩‍👧 e\u0301\n",
    "don't stop " * 20,
]
QUESTIONS = ["Where is Ann?", "", "Who?", "What does the cat like, and the dog, and all of the others " * 3, "Łódź"]
NETWORKS = [("words", "lstm", "yes"), ("byte_pairs", "bert", "no"), ("characters", "conv", "yes")]


@pytest.mark.parametrize(("tokenizer_name", "architecture", "allow_no_answer"), NETWORKS)
def test_exported_answers_are_those_of_predict(tmp_path, serve, tokenizer_name, architecture, allow_no_answer):
    settings = {"vocabulary": 300} if tokenizer_name == "byte_pairs" else {}
    spec = catalog.load("tokenizers", tokenizer_name)(**settings)
    tokenizer = spec.train(CONTEXTS + QUESTIONS)
    objective = FindSpan(
        length=32, stride=7, question_length=9, answer_length=6, n_best=4, allow_no_answer=allow_no_answer
    )
    objective = replace(objective, match_question=architecture == "conv", threshold=0.12)
    keras.utils.set_random_seed(0)
    network = shrink(architecture, vocabulary=tokenizer.vocabulary_size, padding=tokenizer.padding, length=32)
    model = build_model(objective, network)
    for weight in model.trainable_weights:  # large, so that answers differ
        weight.assign(2 * np.random.default_rng(0).normal(size=weight.shape) / max(weight.shape[0], 4) ** 0.5)
    pipeline = Pipeline(model, Preset(architecture=network, objective=objective, tokenizer=spec), tokenizer)
    exported, _ = serve(pipeline.export(tmp_path / "1"), question=QUESTIONS, context=CONTEXTS)
    expected = pipeline.predict(list(zip(QUESTIONS, CONTEXTS, strict=True)))
    assert sorted(exported) == ["answer", "end", "no_answer", "score", "start"]
    for row, answer in enumerate(expected):
        assert exported["answer"][row] == answer["answer"]
        positions = [-1 if answer[name] is None else answer[name] for name in ("start", "end")]
        assert [exported["start"][row], exported["end"][row]] == positions
        assert [exported[name][row] for name in ("score", "no_answer")] == pytest.approx(
            [answer["score"], answer["no_answer"]], rel=2e-3, abs=1e-6
        )
    assert len({answer["answer"] for answer in expected}) > 1
