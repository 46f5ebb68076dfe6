"""Calibration: the expected calibration error against plain loops, and scores over thresholds."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from zoo.metrics.reliability import reliability, threshold_scores


def test_the_error_is_the_weighted_distance_of_confidence_and_accuracy():
    random = np.random.default_rng(0)
    confidence = np.append(random.random(500), [0.0, 1.0])
    correct = random.random(502) < confidence**2
    expected = 0.0
    for low in range(15):
        members = (confidence >= low / 15) & ((confidence < (low + 1) / 15) | ((low == 14) & (confidence == 1)))
        if members.any():
            expected += members.mean() * abs(confidence[members].mean() - correct[members].mean())
    bins = reliability(confidence, correct)
    assert bins.error == pytest.approx(expected)
    assert bins.count.sum() == 502


def test_perfect_and_empty():
    assert reliability(np.ones(5), np.ones(5, bool)).error == 0
    assert reliability(np.zeros(0), np.zeros(0, bool)).error == 0


def test_threshold_scores_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, probabilities, thresholds = random.random((40, 3)) < 0.4, random.random((40, 3)), np.array([0.2, 0.5, 0.9])
    scores = threshold_scores(truth, probabilities, thresholds)
    for i, threshold in enumerate(thresholds):
        expected = precision_recall_fscore_support(truth, probabilities >= threshold, average="micro")
        assert [scores[name][i] for name in ("precision", "recall", "F1")] == pytest.approx(expected[:3])
