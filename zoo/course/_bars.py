"""Grouped bars: the mean over seeds of each network on each task, with a dot for each seed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.course._curves import select, unique
from zoo.course._experiment import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 0.8  # of a group of bars; groups are 1 apart


def plot_bars(axes: "Axes", rows: Sequence[Row], group: str, bar: str, y: str, control: str = "") -> None:
    """Draw the column `y`, from 0 to 1: a group for each value of one column, in it a bar for each value of another.

    Args:
        group: the column of the groups.
        bar: the column of the bars, each with its colour and a line of the figure's legend.
        control: the value of `bar` that is grey.
    """
    groups, bars = unique(rows, group), unique(rows, bar)
    colors = iter(f"C{i}" for i in range(len(bars)))
    for i, name in enumerate(bars):
        color, width = "0.7" if name == control else next(colors), WIDTH / len(bars)
        for j, label in enumerate(groups):
            values = [row[y] for row in select(rows, **{group: label, bar: name})]
            x = j + width * (i - (len(bars) - 1) / 2)
            axes.bar(x, np.mean(values) if values else 0, 0.9 * width, color=color, label=name if j == 0 else None)
            axes.plot([x] * len(values), values, "k.", markersize=4)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_ylim(0, 1.02)
