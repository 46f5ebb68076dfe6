"""Advice at the end of a run."""

from dataclasses import replace

import pytest

import zoo
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.presets import Training
from zoo.training.advice import length_advice, score_advice

REGRESSION = "TF-IDF with logistic regression"


def comparison(score, interval, metric="accuracy", **baselines):
    return ScoreComparison(metric, score, 100, "data.tsv", interval, {metric: baselines})


def test_a_best_epoch_that_is_the_last():
    (line,) = length_advice([1, 2, 3], 3, Training(epochs=3))
    assert line.startswith("The best epoch was the last, 3: ")
    assert "training.epochs=6 (--resume)" in line
    (line,) = length_advice([0.5], 0.5, Training(max_steps=40))
    assert "training.max_steps=80 (--resume)" in line


def test_early_stopping():
    (line,) = length_advice([1, 2, 3, 4, 5], 2, Training(epochs=9, patience=3))
    assert line.startswith("Stopped early at epoch 5: no better score in 3 validations, training.patience=3.")
    assert line.endswith("The weights are those of epoch 2.")


def test_nothing_to_say_of_a_length():
    assert list(length_advice([1, 2, 3], 2, Training(epochs=3, patience=3))) == []
    assert list(length_advice([1, 2, 3], 1, Training(epochs=3, patience=0))) == []


@pytest.mark.parametrize(("metric", "score", "interval"), [("accuracy", 0.55, (0.45, 0.65)), ("perplexity", 95, None)])
def test_chance(metric, score, interval):
    chance = {"accuracy": 0.5, "perplexity": 90}[metric]
    (line,) = score_advice(comparison(score, interval, metric, chance=chance))
    assert line.startswith(f"{metric} {score:.4f} on validation is no better than chance, {chance:.4f}. Look at the ")
    assert "training.learning_rate" in line


@pytest.mark.parametrize(("metric", "score", "best"), [("accuracy", 0.8, 0.9), ("perplexity", 50, 40)])
def test_a_score_below_a_baseline(metric, score, best):
    chance = {"accuracy": 0.5, "perplexity": 90}[metric]
    interval = (score * 0.9, score * 1.1)
    worse = comparison(score, interval, metric, chance=chance, other=chance, **{REGRESSION: best})
    (line,) = score_advice(worse)
    assert line.startswith(f"{metric} {score:.4f} on validation is worse than {best:.4f} of {REGRESSION}. Try ")
    assert list(score_advice(replace(worse, score=best))) == []


def test_a_score_without_baselines():
    assert list(score_advice(ScoreComparison("accuracy", 0.1, 5, "data.tsv"))) == []


def test_a_run_prints_it(tiny, tmp_path, capsys):
    """One epoch with a learning rate of nearly zero: the last is the best, and the score is at chance."""
    zoo.train(replace(tiny, training=Training(epochs=1, learning_rate=1e-9)), to=tmp_path / "model")
    messages = capsys.readouterr().err
    assert "training.epochs=2 (--resume)" in messages
    assert "no better than chance" in messages
