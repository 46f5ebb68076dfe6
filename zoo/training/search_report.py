"""Report of a hyperparameter search: a table of its trials, trials.csv, and their picture, trials.png."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from zoo.runtime.files import write_text
from zoo.training.callbacks import to_csv
from zoo.training.plots import plain_text, save_plot

COLUMNS = 3  # plots in a row


@dataclass(frozen=True)
class Trial:
    """A trial of a search: one run."""

    number: int
    state: str  # "complete", "pruned" or "fail"
    params: dict[str, Any]  # {path of the setting: value}
    score: float | None  # on the validation split; of a pruned trial its last one
    scores: dict[str, dict[str, float]] = field(default_factory=dict)  # by split, of a complete trial


def write_report(
    folder: Path, trials: Sequence[Trial], paths: Sequence[str], monitor: str, logarithmic: Collection[str]
) -> None:
    """Write trials.csv and trials.png.

    Args:
        paths: of the settings that were searched.
        monitor: name of the score.
        logarithmic: those of `paths` with a logarithmic axis.
    """
    rows = [
        {"trial": trial.number, "state": trial.state, f"val_{monitor}": "" if trial.score is None else trial.score}
        | {path: trial.params.get(path, "") for path in paths}
        for trial in trials
    ]
    write_text(folder / "trials.csv", to_csv(rows))
    scored = [trial for trial in trials if trial.score is not None]
    save_plot(folder / "trials.png", lambda file: plot_trials(scored, paths, monitor, logarithmic, file))


@plain_text
def plot_trials(trials: Sequence[Trial], paths, monitor: str, logarithmic: Collection[str], file) -> None:
    """Plot the score of each trial over its number, and over each setting that was searched, as a PNG."""
    count = 1 + len(paths)
    rows, columns = -(-count // COLUMNS), min(count, COLUMNS)
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    _scatter(grid[0], trials, [trial.number for trial in trials])
    grid[0].set(xlabel="trial", ylabel=f"validation {monitor}")
    grid[0].legend(fontsize="small")
    for axes, path in zip(grid[1:], paths, strict=False):
        _scatter(axes, trials, [trial.params.get(path) for trial in trials])
        axes.set(xlabel=path, ylabel=f"validation {monitor}")
        if path in logarithmic:
            axes.set_xscale("log")
    for axes in grid[count:]:
        axes.set_visible(False)
    figure.savefig(file, dpi=120)


def _scatter(axes, trials, values):
    for state, color in {"complete": "tab:blue", "pruned": "tab:gray"}.items():
        pairs = [
            (value, trial.score)
            for value, trial in zip(values, trials, strict=True)
            if trial.state == state and value is not None
        ]
        if pairs:
            axes.scatter(*zip(*pairs, strict=True), color=color, label=state)
    axes.grid(alpha=0.3)
