"""Regression of text pairs: every compatible architecture, standardised labels, mistakes."""

import json

import numpy as np
import pytest
from tiny import all_on_torch, compatible, decide, overfit, shrink

from zoo.data.opening import open_dataset
from zoo.objectives import build_model
from zoo.objectives.score_pair import ScorePair
from zoo.tokenizers.words import Words

WORDS = ["red", "green", "blue", "big", "small", "old", "new", "odd"]
RECORDS = [{"text": f"a {w} cat", "text_pair": f"one {w} dog", "label": str(i / 2)} for i, w in enumerate(WORDS)]


@pytest.fixture(scope="module")
def words():
    return Words().train(text for record in RECORDS for text in (record["text"], record["text_pair"]))


def data(tmp_path, records):
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records))
    return open_dataset(str(path), required=ScorePair().fields.required, split_strategy="")


@pytest.mark.parametrize("name", all_on_torch(compatible(ScorePair())))
def test_every_architecture_that_reads_tokens_learns_eight_pairs_by_heart(name, words):
    objective = ScorePair(length=16, dropout=0.0, mean=1.75, std=1.15)
    _, predictions = overfit(objective, name, RECORDS, words, epochs=80, rate=0.01)
    assert objective.scores(predictions, RECORDS)["pearson"] > 0.8
    assert -2 < objective.answer(predictions[0], RECORDS[0])["score"] < 5.5


def test_the_scale_is_that_of_the_training_labels(tmp_path):
    prepared = ScorePair().prepare(data(tmp_path, RECORDS), shrink("bert"))
    labels = np.arange(8) / 2
    assert prepared.mean == pytest.approx(labels.mean())
    assert prepared.std == pytest.approx(labels.std())
    assert prepared.answer(*decide(prepared, np.ones((1, 1), "float32")), {})["score"] == pytest.approx(
        labels.mean() + labels.std()
    )
    assert prepared.format({"score": 2.0}) == "2.000"


def test_mistakes(tmp_path):
    with pytest.raises(ValueError, match="Expected a number as label at .*:1. Received: label='high'"):
        ScorePair().prepare(data(tmp_path, [{**RECORDS[0], "label": "high"}]), shrink("bert"))
    with pytest.raises(ValueError, match="Expected different numbers"):
        ScorePair().prepare(data(tmp_path, [RECORDS[0]] * 3), shrink("bert"))
    with pytest.raises(ValueError, match="reads source and target"):
        build_model(ScorePair(), shrink("transformer"))
    with pytest.raises(ValueError, match="Expected text and text_pair"):
        ScorePair().fields.record("only one")
