"""Plots of a run: learning curves and the confusion matrix, by matplotlib without a screen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def plot_curves(rows: Sequence[Mapping], monitor: str, path: str | Path | IO) -> None:
    """Learning curves as a PNG: the training loss and the validation score `monitor` over the epochs of a history."""
    figure, (left, right) = _figure(9, 3.5, columns=2)
    epochs = [row["epoch"] for row in rows]
    left.plot(epochs, [row["loss"] for row in rows], marker="o")
    left.set(title="training loss", xlabel="epoch")
    right.plot(epochs, [row[f"val_{monitor}"] for row in rows], marker="o", color="tab:orange")
    right.set(title=f"validation {monitor}", xlabel="epoch")
    _save(figure, path)


def plot_confusion(counts: np.ndarray, labels: Sequence[str], path: str | Path | IO) -> None:
    """A confusion matrix as a PNG.

    Args:
        counts: (true classes, predicted classes) ints.
    """
    size = min(4 + 0.35 * len(labels), 40)
    figure, axes = _figure(size, size)
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    for (i, j), count in _cells(counts):
        axes.text(j, i, count, ha="center", va="center", fontsize=7, color="white" if shares[i, j] > 0.5 else "black")
    _save(figure, path)


def _cells(counts):
    return (((i, j), count) for i, row in enumerate(counts.tolist()) for j, count in enumerate(row) if count)


def _figure(width, height, columns=1):
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


def _save(figure, path):
    figure.savefig(path, dpi=120)
