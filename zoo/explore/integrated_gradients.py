"""Integrated gradients: contributions that add up to the difference of an output between a text and a baseline.

Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365. The path is the straight line, and the integral an adaptive
Gauss-Legendre quadrature: on each interval the gradients must add up to the difference of the output at its ends, so
that the error of each interval is known, and those with the greatest errors are halved.
"""

from collections.abc import Callable

import numpy as np

POINTS = 5  # points on the path in an interval
TOLERANCE = 0.01  # completeness gap, as a share of the difference
MAX_POINTS = 320  # on the path, for each output
NEGLIGIBLE = 1e-4  # least difference that a gap is measured by, as a share of the output: of 7 digits of float32


def integrated_gradients(values: Callable, contributions: Callable) -> tuple[np.ndarray, np.ndarray]:
    """The integral of `contributions` from 0 to 1, (outputs, tokens), and the completeness gap of each output.

    The gap is |sum of the contributions - difference of the output| / |difference|. An output is done when its gap is
    below `TOLERANCE`, or after `MAX_POINTS` points.

    Args:
        values: `values(positions)`, (positions, outputs), on the line from the baseline, 0, to the text, 1.
        contributions: `contributions(positions, outputs)`, (rows, tokens), of these outputs' gradients.
    """
    ends = values(np.array([0.0, 1.0]))
    count, difference = ends.shape[1], ends[1] - ends[0]
    scale = np.maximum(np.abs(difference), NEGLIGIBLE * np.abs(ends).max(0) + np.finfo("float32").tiny)
    intervals = _integrate(values, contributions, np.zeros(count), np.ones(count), np.arange(count))
    while True:
        start, width, output, sums, error = intervals
        gap = np.abs(np.bincount(output, sums.sum(1), count) - difference) / scale
        is_open = (gap >= TOLERANCE) & (POINTS * np.bincount(output, minlength=count) < MAX_POINTS)
        worst = np.zeros(count)
        np.maximum.at(worst, output, error)
        halved = is_open[output] & (error > 0) & (error >= worst[output] / 2)
        if not halved.any():
            break
        half = width[halved] / 2
        starts = np.concatenate([start[halved], start[halved] + half])
        halves = _integrate(values, contributions, starts, np.tile(half, 2), np.tile(output[halved], 2))
        intervals = [np.concatenate([old[~halved], new]) for old, new in zip(intervals, halves, strict=True)]
    total = np.zeros((count, sums.shape[1]))
    np.add.at(total, output, sums)
    return total, gap


def _integrate(values, contributions, start, width, output):
    """`[start, width, output, sums, error]` of intervals: the integral, and how far it is from the difference."""
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    positions = start[:, None] + width[:, None] * (nodes + 1) / 2
    rows = contributions(positions.ravel(), np.repeat(output, POINTS)).reshape(len(start), POINTS, -1)
    sums = np.einsum("p,npt->nt", weights / 2, rows) * width[:, None]
    ends, index = np.unique(np.concatenate([start, start + width]), return_inverse=True)
    first, last = np.split(values(ends)[index, np.tile(output, 2)], 2)
    return [start, width, output, sums, np.abs(sums.sum(1) - (last - first))]
