"""Means over seeds, and curves of them: one line a network, with the range of the seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.course._experiment import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP*X"  # beside colours, which not everybody tells apart


def select(rows: Sequence[Row], **values: Any) -> list[Row]:
    """The rows with these values in these columns."""
    return [row for row in rows if all(row[column] == value for column, value in values.items())]


def mean(rows: Sequence[Row], column: str, **values: Any) -> float:
    """The mean of a column over the rows with these values in other columns."""
    return float(np.mean([row[column] for row in select(rows, **values)]))


def unique(rows: Sequence[Row], column: str) -> list:
    """The values of a column, in the order of their first row."""
    return list(dict.fromkeys(row[column] for row in rows))


def plot_curves(axes: "Axes", rows: Sequence[Row], x: str, y: str, line: str) -> None:
    """Draw the column `y` over the column `x`: a line of means for each value of the column `line`, seeds as a band."""
    for i, name in enumerate(unique(rows, line)):
        points = select(rows, **{line: name})
        positions = sorted(unique(points, x))
        values = [[row[y] for row in select(points, **{x: position})] for position in positions]
        style = {"marker": MARKERS[i % len(MARKERS)], "markersize": max(11 - 2 * i, 3)}  # equal lines stay visible
        (curve,) = axes.plot(positions, [np.mean(column) for column in values], **style, label=name)
        low, high = [min(column) for column in values], [max(column) for column in values]
        axes.fill_between(positions, low, high, color=curve.get_color(), alpha=0.15, linewidth=0)
    axes.legend()
