"""Labels in the cells of tables: one or several, missing ones, and blanks around them.

Several labels are a list, also as text, ['joy', 'fear'] or ["a", "b"], or are separated by ; or, where a column's cells
say so, by | or commas.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from zoo.runtime.console import console
from zoo.runtime.errors import RowError, shorten

SEPARATORS = (";", "|", ",")  # between the labels of a cell
LIST = re.compile(r"\s*[\[({].*[\])}]\s*", re.DOTALL)
ITEM = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\"|(-?\d{1,18})(?!\d))\s*")  # of NumPy's ['a' 'b'] and [2 14]
LONGEST = 10_000  # characters of a cell that may be a list
MISSING = frozenset(  # texts that pandas and spreadsheets write, and pandas reads, for a missing value
    ("nan", "NaN", "NAN", "-nan", "-NaN", "NA", "<NA>", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "NULL", "null", "NaT")
)
RECURRING = 0.5  # of the parts of cells that are also in other cells, where a separator separates labels


def listed_labels(text: str) -> list[Any] | None:
    """The items of a list that a cell holds as text, of Python, JSON or NumPy; None for any other text."""
    if len(text) > LONGEST or not LIST.fullmatch(text):
        return None
    for parse in (json.loads, _numpy_items, ast.literal_eval):
        try:
            value = parse(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, list | tuple | set) and all(isinstance(item, str | int | float | None) for item in value):
            return list(value)
    return None


def _numpy_items(text):
    matches = list(ITEM.finditer(text, 1, len(text) - 1))
    if not matches or "".join(match[0] for match in matches) != text[1:-1]:
        raise ValueError(text)
    return [next(group for group in match.groups() if group is not None) for match in matches]


def split_labels(text: str, separator: str) -> list[Any]:
    """The labels of a cell, without blanks around them."""
    items = listed_labels(text)
    if items is not None:
        return items
    return [label.strip() for label in text.split(separator) if label.strip()]


def separator_of(cells: Iterable[Any]) -> str:
    """The separator of labels in the cells of a column: that of `SEPARATORS` whose parts recur; "" for none.

    In "2,14", "3" and "14,3" the parts recur; in "Books, Music" and "Food, Drink" they do not: each is one label.
    """
    texts = {cell.strip() for cell in cells if isinstance(cell, str) and listed_labels(cell) is None}
    for separator in SEPARATORS:
        joined = [text for text in texts if separator in text]
        counts = Counter(part.strip() for text in texts for part in set(text.split(separator)))
        parts = {part.strip() for text in joined for part in text.split(separator)} - {""}
        if parts and sum(counts[part] > 1 for part in parts) >= RECURRING * len(parts):
            return separator
    return ""


def is_missing(label: Any) -> bool:
    """Whether a label stands for a missing value: null, NaN, NA and the like."""
    return (
        label is None or (isinstance(label, float) and label != label) or (isinstance(label, str) and label in MISSING)
    )


def label_text(value: Any, location: str) -> str:
    """A label as text; 1.0 is 1, as tables write whole numbers in both ways. Raises RowError for what is no label."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float | int) and (isinstance(value, int) or abs(value) != float("inf")):
        return str(value)
    if isinstance(value, str):
        return value
    raise RowError(f"Expected a label at {location}. Received: label={shorten(value)}.", "a missing label")


class LabelCleaner:
    """Cleans the labels of one pass over a split: blanks around them are counted and cut, missing ones refused."""

    def __init__(self) -> None:
        self._stripped, self._first, self._nones = 0, "", 0

    def clean(self, record: dict[str, Any], location: str) -> dict[str, Any]:
        """The record with clean `label` and `labels`. Raises RowError, with the location, for a missing one."""
        for field in ("label", "labels"):
            if field in record:
                value = record[field]
                cleaned = self._clean(value, location) if field == "label" else self._clean_list(value, location)
                record = record if cleaned == value else {**record, field: cleaned}
        return record

    def _clean_list(self, labels: Sequence[str], location: str):
        return list(dict.fromkeys(label for value in labels if (label := self._clean(value, location))))

    def _clean(self, label, location):
        cleaned = label.strip()
        if cleaned in MISSING:
            received = f"{label!r}, a missing value. If it is a class, call it otherwise"
            raise RowError(f"Expected a label at {location}. Received: {received}.", "a missing label")
        if cleaned != label:
            self._stripped += 1
            self._first = self._first or location
        self._nones += cleaned == "None"
        return cleaned

    def report(self, split: str) -> None:
        """Print on standard error what was changed, and where first; `split` describes the split."""
        if self._stripped:
            console.print(f"Cut blanks around {self._stripped} labels of {split}, the first at {self._first}.")
        if self._nones:
            console.print(f"Taken for a class in {split}: {self._nones} labels that are called None.")
