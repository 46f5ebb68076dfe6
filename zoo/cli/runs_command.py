"""zoo runs and zoo compare: the runs in a folder, and two models on the same records."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Json, Spec, print_json, print_message, start
from zoo.runtime.errors import one_of, single_line

SORTS = ("date", "score", "name", "time")


def runs(
    folder: Annotated[Path, typer.Argument(help="Searched with the folders in it.")] = Path("saved_models"),
    sort: Annotated[str, typer.Option(help="date: the newest first; score: the best first; name; time.")] = "date",
    json: Json = False,
) -> None:
    """List the runs in a folder: preset, data, state, score, epochs, time and date."""
    from zoo.training.run_list import list_runs

    one_of("sort", sort, SORTS)
    summaries = list_runs(folder)
    keys = {"score": lambda run: run.rank(), "name": lambda run: run.folder, "time": lambda run: run.seconds}
    summaries.sort(key=keys.get(sort, lambda run: 0))
    if json:
        for run in summaries:
            print_json(run.as_dict())
        return
    if not summaries:
        return print_message(f"No runs in {folder}.")
    print_table([["folder", "preset", "data", "state", "score", "epochs", "seconds", "date"], *map(_row, summaries)])


def _row(run):
    score = f"{run.split} {run.monitor} {run.score:.4f}" if run.score is not None else ""
    names = [run.folder, run.preset, run.data, run.state, score]
    return [*names, f"{run.epochs:g}", f"{run.seconds:.0f}", run.date]


def print_table(rows: list[list[str]]) -> None:
    """Print rows of texts with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def compare(
    first: Annotated[Path, typer.Argument(help="A model folder.")],
    second: Annotated[Path, typer.Argument(help="Another model folder, of the same task.")],
    data: Spec = "",
    show: Annotated[int, typer.Option(help="Number of changed answers to print.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the bootstrap resamples.")] = 0,
    json: Json = False,
) -> None:
    """Compare two models: settings that differ, scores on the same test records, answers that changed."""
    start()
    from zoo.training.comparison import compare as compare_models

    comparison = compare_models(first, second, data, seed=seed)
    if json:
        return print_json(asdict(comparison))
    for path, values in comparison.settings.items():
        print(f"{path}: {' -> '.join(_short(value) for value in values)}")
    print_table([["score", first.name, second.name, "difference", "95 % interval"], *_score_rows(comparison)])
    _print_changes(comparison, show)
    print_message(
        f"{comparison.records} records; paired bootstrap with {comparison.resamples} resamples; "
        "* the interval excludes 0."
    )


def _score_rows(comparison):
    for name, score in comparison.scores.items():
        mark = " *" if score.significant else ""
        values = [f"{score.first:.4f}", f"{score.second:.4f}", f"{score.second - score.first:+.4f}{mark}"]
        yield [name, *values, f"{score.low:+.4f} to {score.high:+.4f}"]


def _print_changes(comparison, limit):
    better = sum(change.gain > 0 for change in comparison.changes)
    worse = sum(change.gain < 0 for change in comparison.changes)
    print(f"answers that changed: {len(comparison.changes)} of {comparison.records}; score up {better}, down {worse}")
    for change in comparison.changes[:limit]:
        texts = " | ".join(single_line(str(text)) for text in change.inputs.values())
        print(f"  {change.gain:+.4f}  {_short(change.first)} -> {_short(change.second)}  {_short(texts)}")


def _short(value, limit=100):
    text = single_line(str(value))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
