"""Correlations equal SciPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zoo.metrics.regression import regression_scores

numbers = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=20)


@settings(max_examples=60)
@given(numbers)
def test_equal_to_scipy(pairs):
    actual, true = np.array(pairs, float).T
    scores = regression_scores(actual, true)
    assert scores["mse"] == pytest.approx(np.mean((actual - true) ** 2))
    if np.ptp(actual) == 0 or np.ptp(true) == 0:
        assert scores["pearson"] == scores["spearman"] == 0
    else:
        assert scores["pearson"] == pytest.approx(stats.pearsonr(actual, true).statistic, abs=1e-6)
        assert scores["spearman"] == pytest.approx(stats.spearmanr(actual, true).statistic, abs=1e-6)


def test_no_numbers():
    assert regression_scores(np.zeros(0), np.zeros(0)) == {"pearson": 0.0, "spearman": 0.0, "mse": 0.0}
