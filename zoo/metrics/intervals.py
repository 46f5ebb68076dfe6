"""Confidence intervals of scores: Wilson's for proportions, the bootstrap for other scores; and ties within an error.

Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953; Efron 1979, https://doi.org/10.1214/aos/1176344552.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

LEVEL = 0.95
Z = 1.959964  # quantile of the normal distribution at (1 + LEVEL) / 2
RESAMPLES = 200
MAX_SECONDS = 10.0  # of a bootstrap


class Interval(NamedTuple):
    """A confidence interval of level `LEVEL`."""

    low: float
    high: float


def wilson(proportion: float, count: int) -> Interval:
    """The Wilson score interval of a proportion of `count` independent trials, at least one."""
    center = proportion + Z**2 / (2 * count)
    margin = Z * np.sqrt(proportion * (1 - proportion) / count + Z**2 / (4 * count**2))
    scale = 1 + Z**2 / count
    return Interval(float(max((center - margin) / scale, 0)), float(min((center + margin) / scale, 1)))


def bootstrap_mean(values: Sequence[float]) -> Interval:
    """The percentile bootstrap interval of the mean of some values, at least one."""
    array = np.asarray(values, "float64")
    return _percentiles([array[indices].mean() for indices in _resamples(len(array))])


def bootstrap(score: Callable[[np.ndarray], float], count: int) -> Interval | None:
    """The percentile bootstrap interval of a score of `count` records, at least one; None where that takes too long.

    Args:
        score: of the records at an array of indices, some of them several times.
    """
    scores, start = [], time.monotonic()
    for number, indices in enumerate(_resamples(count), 1):
        scores.append(score(indices))
        if (time.monotonic() - start) / number * RESAMPLES > MAX_SECONDS and number >= 3:
            return None
    return _percentiles(scores)


def error_steps(proportion: float, count: int) -> int:
    """A proportion of `count` trials in whole steps of its standard error: equal for proportions hard to tell apart.

    The arcsine of the square root of a proportion has the same standard error, 1 / (2 sqrt(count)), at every value
    (Anscombe 1948, https://doi.org/10.1093/biomet/35.3-4.246), so that steps order proportions.
    """
    return round(2 * np.sqrt(count) * np.arcsin(np.sqrt(min(max(proportion, 0.0), 1.0))))


def _resamples(count):
    """Yield `RESAMPLES` arrays of `count` indices, drawn with replacement, the same ones at each call."""
    rng = np.random.default_rng(0)
    return (rng.integers(count, size=count) for _ in range(RESAMPLES))


def _percentiles(scores):
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
