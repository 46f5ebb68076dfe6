"""The contract of objectives: fields, one pass over the records, one decision for prediction and export."""

import keras
import numpy as np
import pytest
from tiny import shrink

from zoo import catalog
from zoo.data.fields import FIELDS
from zoo.objectives import Generates, build_model
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.classify_text import ClassifyText
from zoo.pipeline.predictor import BatchPredictor, predict
from zoo.tokenizers.words import Words

TEXTS = [{"text": text} for text in ("a great film", "an awful one", "great", "awful story and film", "")]


@pytest.mark.parametrize("name", catalog.names("objectives"))
def test_fields_are_standard_fields(name):
    objective = catalog.load("objectives", name)()
    fields = objective.fields
    assert fields.inputs
    assert {*fields.required, *fields.inputs, *fields.texts, *fields.optional} <= set(FIELDS)
    assert isinstance(objective, Generates) or objective.outputs


class Once:
    """A dataset whose splits can be read once."""

    splits = ("train", "validation")

    def __init__(self, records):
        self.records = dict.fromkeys(self.splits, records)

    def visit(self):
        for split in self.splits:
            for line, record in enumerate(self.records.pop(split), start=1):
                yield split, f"{split}:{line}", record

    def describe(self, split):
        return split


def test_preparation_is_one_pass():
    records = [
        {"tokens": ["play", "Ann"], "tags": ["O", "B-artist"], "label": "play"},
        {"tokens": ["cold"], "tags": ["O"], "label": "weather"},
    ]
    prepared = ClassifyAndTag().prepare(Once(records), shrink("lstm"))
    assert prepared.labels == ("play", "weather")
    assert prepared.tags == ("O", "B-artist", "I-artist")


def test_decisions_are_those_of_the_outputs():
    """Whoever runs the model, and whatever the number of rows."""
    tokenizer = Words().train(record["text"] for record in TEXTS)
    objective = ClassifyText(labels=("a", "b", "c"), multi_label=True, length=16)
    keras.utils.set_random_seed(0)
    model = build_model(objective, shrink("averaging", vocabulary=tokenizer.vocabulary_size))
    run = BatchPredictor(model, objective, tokenizer)
    outputs = run(list(objective.examples(TEXTS, tokenizer, train=False)))
    runs = [
        predict(model, objective, tokenizer, TEXTS),
        predict(model, objective, tokenizer, TEXTS, predict_batch=model.predict_on_batch),
        run.decide_rows(outputs),
        [run.decide(output[None]) for output in outputs],
    ]
    for decisions in zip(*runs, strict=True):
        for decision in decisions:
            assert list(decision) == list(objective.outputs)
            for name, array in decision.items():
                np.testing.assert_allclose(array.reshape(-1), decisions[0][name], rtol=1e-5)
    assert run.decide_rows([]) == []
