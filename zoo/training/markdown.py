"""Markdown tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.runtime.errors import single_line


def markdown_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows, dicts, as a Markdown table; long texts are cut, and a cell that a row lacks is empty."""
    rows = list(rows)
    columns = table_columns(rows)
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table_columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the columns of a table: the keys of all rows, in the order in which they appear."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _cell(value, limit=160):
    text = f"{value:.4f}" if isinstance(value, float) else single_line(str(value)).replace("|", "\\|")
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
