"""The runs in a folder, finished and not: preset, data, state, score and times, read without a framework."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.runtime.errors import UserError
from zoo.runtime.json_text import read_object
from zoo.training.run_record import RunRecord, load_record, public_name

LOWER_IS_BETTER = ("perplexity", "loss", "error")
DEPTH = 3  # folders below the first in which runs are searched


@dataclass(frozen=True)
class RunSummary:
    """A model folder, or an unfinished run, in a table of runs."""

    folder: str
    preset: str
    data: str
    state: str  # "finished", "unfinished", "stopped" by Ctrl-C, or "no run": an imported or averaged model
    split: str  # of the score: test, or validation
    monitor: str  # name of the score
    score: float | None
    epochs: float
    seconds: float  # of training
    date: str  # of the end, or of the start of an unfinished run

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    def rank(self) -> tuple[bool, float]:
        """A sort key: the best score first, runs without a score last."""
        lower = self.monitor.endswith(LOWER_IS_BETTER)
        return self.score is None, (self.score or 0.0) * (1 if lower else -1)


def list_runs(folder: Path) -> list[RunSummary]:
    """Every run in a folder and the folders in it, the newest first.

    Raises UserError where the folder does not exist.
    """
    if not folder.is_dir():
        raise UserError(f"Expected a folder of models. Received: {folder}, which does not exist.")
    runs = [_summary(path, _load_record(path)) for path in _run_folders(folder, DEPTH)]
    return sorted(runs, key=lambda run: run.date, reverse=True)


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "preset.json").is_file():
        if not _is_stopped_run(folder):
            yield folder
        return
    for path in sorted(folder.iterdir()) if depth else ():
        if path.is_dir() and not path.name.startswith("."):
            yield from _run_folders(path, depth - 1)


def _is_stopped_run(folder):
    """Whether a folder holds the checkpoint of a run that Ctrl-C stopped, whose model folder is listed already."""
    model = folder.with_name(folder.name.removesuffix(".running"))
    if model == folder or not model.is_dir():
        return False
    record = _load_record(model)
    return record is not None and record.state == "stopped"


def _load_record(folder):
    try:
        return load_record(folder)
    except UserError:
        return None  # an older or damaged record is no reason to list nothing


def _summary(folder: Path, record: RunRecord | None) -> RunSummary:
    settings = _read_object(folder / "preset.json")
    record = record or RunRecord(preset=str(_entry(settings, "architecture", "name") or ""), state="no run")
    unfinished = folder.name.endswith(".running")
    split, score = _history_score(folder, record.monitor) if unfinished else _score(folder, record.monitor)
    rows = _history(folder) if unfinished else []
    epochs, seconds = (float(rows[-1][key]) if rows else getattr(record, key) for key in ("epochs", "seconds"))
    data = public_name(str(_entry(settings, "data", "spec") or ""))
    names = str(folder), record.preset, data, record.state, split, record.monitor
    return RunSummary(*names, score, epochs, seconds, record.ended or record.started)


def _score(folder, monitor):
    """(split, score) of a finished run: of the test split, or else of the last one."""
    scores = _read_object(folder / "scores.json")
    split = "test" if "test" in scores else next(reversed(scores), "")
    score = _entry(scores, split, monitor)
    return split, score if isinstance(score, int | float) else None


def _read_object(path) -> dict[str, Any]:
    """The JSON object in a file; {} where it is missing or damaged: one such folder is no reason to list nothing."""
    try:
        return read_object(path)
    except (OSError, UserError):
        return {}


def _entry(values, section, name):
    """The value of a name in a section, both of which may be missing or of another type."""
    section = values.get(section)
    return section.get(name) if isinstance(section, dict) else None


def _history_score(folder, monitor):
    """(split, score) of an unfinished run: the last validation's."""
    rows = _history(folder)
    return "validation", float(rows[-1][f"val_{monitor}"]) if rows and f"val_{monitor}" in rows[-1] else None


def _history(folder):
    """Rows of history.csv, `epochs` their passes over the training examples."""
    path = folder / "history.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row | {"epochs": row["epoch"]} for row in csv.DictReader(file)]
