"""Plots of a run, by matplotlib without a screen: learning curves, confusion matrix, calibration, thresholds.

Names and labels are plain text: `$` begins no mathematics, and no LaTeX is run.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from zoo.metrics.reliability import reliability, threshold_scores
from zoo.runtime.console import console
from zoo.runtime.errors import single_line
from zoo.runtime.files import atomic_file

File = str | Path | IO
THRESHOLDS = np.linspace(0, 1, 101)
LONGEST_LABEL = 30  # characters of a label in a picture
UNSUPPORTED = "Glyph .* missing|Matplotlib currently does not support"  # warnings: no font has all of Unicode
plain_text = rc_context({"text.parse_math": False, "text.usetex": False})


def save_plot(path: Path, plot: Callable[[IO], None]) -> bool:
    """Save a plot as a file; whether it could be drawn.

    A plot that fails is one line of warning: it never costs the model. A full disk is an error.

    Args:
        plot: is called with the open file.
    """
    try:
        with atomic_file(path) as file:
            plot(file)
    except OSError:
        raise
    except Exception as error:  # matplotlib, and its fonts, raise any
        reason = single_line(f"{type(error).__name__}: {error}")[:200]
        console.print(f"Warning: {path.name} could not be drawn, and is left out: {reason}", markup=False)
        return False
    return True


@plain_text
def plot_curves(rows: Sequence[Mapping], monitor: str, path: File, losses: Sequence[Mapping] = ()) -> None:
    """Learning curves as a PNG: training and validation loss, and the validation score `monitor`, over the epochs.

    Args:
        rows: of history.csv, one for each validation.
        losses: of loss.csv, points of the training loss within the epochs.
    """
    figure, (left, right) = _figure(9, 3.5, columns=2)
    epochs = [row["epoch"] for row in rows]
    points = losses or rows
    marker = "o" if len(points) < 3 else None
    left.plot([row["epoch"] for row in points], [row["loss"] for row in points], marker=marker, label="training")
    if all("val_loss" in row for row in rows):
        left.plot(epochs, [row["val_loss"] for row in rows], marker="o", color="tab:orange", label="validation")
    left.set(title="loss", xlabel="epoch")
    left.legend()
    right.plot(epochs, [row[f"val_{monitor}"] for row in rows], marker="o", color="tab:orange")
    right.set(title=f"validation {monitor}", xlabel="epoch")
    for axes in (left, right):
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    _save(figure, path)


@plain_text
def plot_confusion(counts: np.ndarray, labels: Sequence[str], path: File) -> None:
    """A confusion matrix as a PNG.

    Args:
        counts: (true classes, predicted classes) ints.
    """
    size = min(4 + 0.35 * len(labels), 40)
    figure, axes = _figure(size, size)
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    edges = np.arange(len(labels) + 1) - 0.5
    axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1)  # an image of 150 labels took 0.9 GB more
    axes.set_aspect("equal")
    axes.invert_yaxis()
    names = [_shorten(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90)
    axes.set_yticks(range(len(labels)), names)
    axes.set(xlabel="predicted", ylabel="true")
    for (i, j), count in _cells(counts):
        axes.text(j, i, count, ha="center", va="center", fontsize=7, color="white" if shares[i, j] > 0.5 else "black")
    _save(figure, path)


@plain_text
def plot_calibration(confidence: np.ndarray, correct: np.ndarray, path: File) -> None:
    """A reliability diagram as a PNG (Guo et al. 2017, arXiv:1706.04599).

    Args:
        confidence: (predictions,) the probability of each.
        correct: (predictions,) whether it is right.
    """
    bins = reliability(confidence, correct)
    figure, axes = _figure(4.5, 4.2)
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", label="perfect calibration")
    axes.plot(bins.confidence, bins.accuracy, marker="o", label=f"model, ECE {bins.error:.3f}")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title="calibration")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


@plain_text
def plot_thresholds(truth: np.ndarray, probabilities: np.ndarray, threshold: float, path: File) -> None:
    """Precision, recall and F1 of multi-label predictions over the decision threshold, as a PNG.

    Args:
        truth: (rows, classes) booleans.
        probabilities: (rows, classes).
        threshold: of the model.
    """
    figure, axes = _figure(4.5, 4.2)
    for name, values in threshold_scores(truth, probabilities, THRESHOLDS).items():
        axes.plot(THRESHOLDS, values, label=name)
    axes.axvline(threshold, color="gray", linestyle="--", label=f"threshold {threshold:.3f}")
    axes.set(xlabel="threshold", xlim=(0, 1), ylim=(0, 1.02), title="threshold, micro averages")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def _shorten(label):
    return single_line(label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 3]}...")


def _cells(counts):
    return (((i, j), count) for i, row in enumerate(counts.tolist()) for j, count in enumerate(row) if count)


def _figure(width, height, columns=1):
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


def _save(figure, path):
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "(Glyph .* missing|Matplotlib currently does not support)"
        )  # no font has all of Unicode
        figure.savefig(path, dpi=120)
