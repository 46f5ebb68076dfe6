"""Model selection: a proportion counts in steps of its standard error, and the loss decides between equal ones."""

import numpy as np
import pytest

from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.tag_tokens import TagTokens
from zoo.training.callbacks import Validation


def best_of(epochs, records=100, objective=None):
    """The index of the epoch that validation keeps, of a list of scores, in every order of comparison."""
    objective = objective or ClassifyText(labels=("a", "b"))
    validation = Validation.__new__(Validation)
    validation.objective, validation.records = objective, [{}] * records
    keys = [validation.selection_key(scores) for scores in epochs]
    return int(np.argmax([sum(key > other for other in keys) for key in keys]))


def test_the_loss_decides_between_scores_within_an_error():
    early, late = {"accuracy": 0.81, "loss": 0.9}, {"accuracy": 0.80, "loss": 0.4}
    assert best_of([early, late]) == 1
    assert best_of([early, late], records=1_000_000) == 0


def test_a_clearly_better_score_wins_over_the_loss():
    assert best_of([{"accuracy": 0.81, "loss": 0.4}, {"accuracy": 0.95, "loss": 0.9}]) == 1


@pytest.mark.parametrize("records", [30, 1000])
def test_the_order_is_total(records):
    rng = np.random.default_rng(0)
    epochs = [{"accuracy": rng.integers(31) / 30, "loss": float(rng.random())} for _ in range(30)]
    validation = Validation.__new__(Validation)
    validation.objective, validation.records = ClassifyText(labels=("a", "b")), [{}] * records
    keys = [validation.selection_key(scores) for scores in epochs]
    for running in (keys, keys[::-1]):
        best = running[0]
        for key in running:
            best = max(best, key)
        assert best == max(keys)


def test_tags_decide_between_joint_accuracies_within_an_error():
    objective = ClassifyAndTag(labels=("a", "b"), tags=("O", "B-x", "I-x"), scheme="bio")
    early = {"accuracy_both": 0.81, "accuracy": 0.9, "f1": 0.80, "loss_label": 0.1, "accuracy_label": 0.9}
    late = {"accuracy_both": 0.80, "accuracy": 0.9, "f1": 0.85, "loss_label": 0.2, "accuracy_label": 0.9}
    assert best_of([early, late], objective=objective) == 1


def test_scores_that_are_no_proportion_count_as_they_are():
    objective = TagTokens(tags=("O", "B-x", "I-x"), scheme="bio")
    assert best_of([{"f1": 0.801, "loss": 0.1}, {"f1": 0.802, "loss": 0.9}], objective=objective) == 1
