"""Regression metrics: Pearson's and Spearman's correlation, equal to SciPy's, and the mean squared error."""

import numpy as np


def regression_scores(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """`pearson`, `spearman` and `mse` of predicted and true numbers, (n,) arrays.

    The correlation with constant numbers, or with fewer than two, is 0.
    """
    mse = float(np.mean((predicted - truth) ** 2)) if len(truth) else 0.0
    spearman = _correlation(_ranks(predicted), _ranks(truth))
    return {"pearson": _correlation(predicted, truth), "spearman": spearman, "mse": mse}


def _correlation(x, y):
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - np.mean(x), y - np.mean(y)
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def _ranks(values):
    """Ranks, counted from 1; equal values share the mean of their ranks."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[index]
