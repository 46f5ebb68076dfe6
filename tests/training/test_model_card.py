"""The model card's table of scores."""

from zoo.training.model_card import _scores


def test_splits_may_have_different_scores():
    table = _scores({"validation": {"f1": 0.5, "best_f1": 0.625}, "test": {"f1": 0.25}})
    assert table.split("\n") == [
        "| split | f1 | best_f1 |",
        "| --- | --- | --- |",
        "| validation | 0.5000 | 0.6250 |",
        "| test | 0.2500 |  |",
    ]
