"""Retrieval metrics: accuracy and mean reciprocal rank."""

import numpy as np
import pytest

from zoo.metrics.retrieval import retrieval_scores


def test_ranks_by_hand():
    vectors = np.array([[1.0, 0], [0, 1], [1, 0]])
    partners = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]])  # the third partner ranks second, after the first
    actual = retrieval_scores(vectors, partners)
    assert actual == pytest.approx({"accuracy": 2 / 3, "mrr": (1 + 1 + 1 / 2) / 3})


def test_ties_rank_the_partner_last():
    same = np.ones((4, 2))
    assert retrieval_scores(same, same) == {"accuracy": 0.0, "mrr": 0.25}


def test_no_texts():
    assert retrieval_scores(np.zeros((0, 2)), np.zeros((0, 2))) == {"accuracy": 0.0, "mrr": 0.0}
