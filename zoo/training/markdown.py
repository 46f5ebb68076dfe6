"""Markdown tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.runtime.errors import single_line


def markdown_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows, dicts with the same keys, as a Markdown table; long texts are cut."""
    rows = list(rows)
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value, limit=160):
    text = f"{value:.4f}" if isinstance(value, float) else single_line(str(value)).replace("|", "\\|")
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
