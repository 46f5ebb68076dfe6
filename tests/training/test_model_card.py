"""The model card's table of scores."""

from zoo.pipeline.score_comparison import ScoreComparison
from zoo.training.model_card import _baselines, _scores


def test_splits_may_have_different_scores():
    table = _scores({"validation": {"f1": 0.5, "best_f1": 0.625}, "test": {"f1": 0.25}})
    assert table.split("\n") == [
        "| split | f1 | best_f1 |",
        "| --- | --- | --- |",
        "| validation | 0.5000 | 0.6250 |",
        "| test | 0.2500 |  |",
    ]


def test_scores_stand_beside_their_baselines():
    baselines = {"accuracy": {"chance": 0.5, "TF-IDF": 0.7}, "bleu": {"a copy": 0.1}}
    comparisons = {
        "validation": ScoreComparison("accuracy", 0.75, 40, "a.tsv (validation split)", (0.6, 0.85), baselines),
        "test": ScoreComparison("accuracy", 0.5, 40, "b.tsv"),
    }
    assert _baselines(comparisons).strip().split("\n")[2:] == [
        "| validation | accuracy 0.7500 | 0.6000 to 0.8500 | 40 of a.tsv (validation split) "
        "| accuracy of chance 0.5000; accuracy of TF-IDF 0.7000; bleu of a copy 0.1000 |",
        "| test | accuracy 0.5000 |  | 40 of b.tsv |  |",
    ]
    assert _baselines({}) == ""
