"""Summaries of a pipeline: one line, and for notebooks HTML with its scores and learning curves."""

import csv
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.runtime.errors import UserError

SIZE = (260, 110)  # px of a plot, without its margins
MARGIN = 30  # px


def describe(pipeline: Any) -> str:
    """A pipeline in one line: objective, architecture, labels, scores of the split that was scored last."""
    preset = pipeline.preset
    parts = [f"objective={name_of('objectives', preset.objective)}"]
    parts.append(f"architecture={name_of('architectures', preset.architecture)}")
    labels = getattr(preset.objective, "labels", ()) or getattr(preset.objective, "tags", ())
    parts += [f"labels={len(labels)}"] if labels else []
    for split, scores in list(pipeline.scores.items())[-1:]:
        monitor = preset.objective.monitor
        parts += [f"{split} {monitor}={scores[monitor]:.4f}"] if monitor in scores else []
    parts += [f"folder={str(pipeline.folder)!r}"] if pipeline.folder else []
    return f"Pipeline({', '.join(parts)})"


def name_of(kind: str, thing: Any) -> str:
    """The catalog's name of an instance, or the name of its class."""
    try:
        return catalog.name_of(kind, thing)
    except UserError:  # a class that is not registered
        return type(thing).__name__


def to_html(pipeline: Any) -> str:
    """A pipeline as HTML: what it is, a table of scores, and the learning curves of its run."""
    parts = [f"<p><code>{escape(describe(pipeline))}</code></p>", _score_table(pipeline.scores)]
    history = pipeline.history
    monitor = f"val_{pipeline.objective.monitor}"
    for name in ("loss", monitor):
        points = [(row["epoch"], row[name]) for row in history if "epoch" in row and name in row]
        parts += [plot(name.replace("val_", "validation "), points)] if points else []
    return f"<div>{''.join(parts)}</div>"


def _score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    if not scores:
        return "<p>no scores</p>"
    names = list(dict.fromkeys(name for split in scores.values() for name in split))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *names))
    rows = [
        f"<tr><th>{escape(split)}</th>{''.join(_cell(values.get(name)) for name in names)}</tr>"
        for split, values in scores.items()
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(value):
    return f"<td>{value:.4f}</td>" if isinstance(value, int | float) else "<td></td>"


def plot(title: str, points: Sequence[tuple[float, float]]) -> str:
    """A line plot as SVG, in the colour of the page's text.

    Args:
        points: (x, y) pairs in the order of x.
    """
    (width, height), (xs, ys) = SIZE, zip(*points, strict=True)
    x_range, y_range = (max(max(v) - min(v), 1e-12) for v in (xs, ys))
    pixels = [
        (MARGIN + width * (x - min(xs)) / x_range, MARGIN + height * (1 - (y - min(ys)) / y_range)) for x, y in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="currentColor"/>' for x, y in pixels)
    labels = [(MARGIN, 14, f"{title} {max(ys):.4g}"), (MARGIN, height + MARGIN + 14, f"{min(ys):.4g}")]
    labels.append((width - MARGIN, height + MARGIN + 14, f"epoch {xs[-1]:g}"))
    texts = "".join(
        f'<text x="{x}" y="{y}" font-size="11" fill="currentColor">{escape(text)}</text>' for x, y, text in labels
    )
    size = f'width="{width + 2 * MARGIN}" height="{height + 2 * MARGIN}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{texts}{dots}'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def read_history(folder: Path | None) -> list[dict[str, float]]:
    """The rows of a model folder's history.csv, as numbers; [] without such a file."""
    path = folder / "history.csv" if folder else None
    if path is None or not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: _number(text) for name, text in row.items() if text} for row in csv.DictReader(file)]


def _number(text):
    value = float(text)
    return int(value) if value.is_integer() and "." not in text and "e" not in text else value
