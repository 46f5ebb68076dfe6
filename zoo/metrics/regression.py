"""How well numbers were predicted: correlations, equal to SciPy's, and the mean squared error."""

import numpy as np


def regression_scores(found, true):
    """Pearson's and Spearman's correlation, and the mean squared error, of two arrays of as many numbers.

    A correlation with numbers that are all equal, or with fewer than two, is 0 here.
    """
    error = float(np.mean((found - true) ** 2)) if len(true) else 0.0
    return {"pearson": _correlation(found, true), "spearman": _correlation(_ranks(found), _ranks(true)), "mse": error}


def _correlation(x, y):
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - np.mean(x), y - np.mean(y)
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def _ranks(values):
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]
