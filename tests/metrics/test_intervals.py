"""Confidence intervals against SciPy and statistics, and proportions in steps of their standard error."""

import time

import numpy as np
import pytest
from scipy.stats import binomtest

from zoo.metrics import intervals


@pytest.mark.parametrize(("right", "count"), [(0, 5), (5, 5), (1, 1), (7, 10), (665, 700), (350, 700)])
def test_wilson_equals_scipy(right, count):
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert intervals.wilson(right / count, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(1).normal(3, 2, 900)
    low, high = intervals.bootstrap_mean(values)
    margin = 1.96 * values.std() / 30
    assert (low, high) == pytest.approx((values.mean() - margin, values.mean() + margin), abs=margin / 4)
    assert (low, high) == intervals.bootstrap_mean(values)  # seeded


def test_the_bootstrap_of_a_score_resamples_records():
    values = np.random.default_rng(1).normal(3, 2, 900)
    assert intervals.bootstrap(lambda indices: values[indices].mean(), 900) == intervals.bootstrap_mean(values)


def test_a_slow_score_has_no_interval(monkeypatch):
    monkeypatch.setattr(intervals, "MAX_SECONDS", 0.5)
    start = time.monotonic()
    assert intervals.bootstrap(lambda indices: time.sleep(0.01) or 1.0, 10) is None
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("count", [40, 872, 10_000])
def test_steps_of_the_standard_error(count):
    """A step is one standard error at each proportion, and steps never fall where proportions rise."""
    steps = [intervals.error_steps(right / count, count) for right in range(count + 1)]
    assert steps == sorted(steps)
    for proportion in (0.2, 0.5, 0.9):
        error = np.sqrt(proportion * (1 - proportion) / count)
        width = intervals.error_steps(proportion + 2 * error, count) - intervals.error_steps(
            proportion - 2 * error, count
        )
        assert 3 <= width <= 5
