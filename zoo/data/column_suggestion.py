"""Column suggestion: which columns of unmapped rows may be the text and the label of a classifier."""

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.data.columns import column_names, column_values

LABEL_NAMES = ("label", "class", "category", "intent", "topic", "sentiment", "target", "type")


def suggest_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{"text": column, "label": column}, each where one is likely: the longest texts, and few values in many rows."""
    columns = {name: values for name in _names(rows) if (values := _strings(rows, name))}
    words = {name: sum(len(value.split()) for value in values) / len(values) for name, values in columns.items()}
    text = max(words, key=lambda name: words[name], default="")
    if not text or words[text] < 2:
        return {}
    distinct = {name: len(set(values)) for name, values in columns.items() if name != text and words[name] <= 3}
    labels = [name for name, count in distinct.items() if 2 <= count <= len(rows) / 2]
    labels.sort(key=lambda name: (name.lower() not in LABEL_NAMES, distinct[name]))
    return {"text": text} | ({"label": labels[0]} if labels else {})


def _names(rows):
    return column_names(rows[0]) if rows else []


def _strings(rows, name):
    """The values of a column, where all are strings."""
    try:
        values = [value for row in rows for value in column_values(row, name)]
    except KeyError:
        return []
    return values if all(isinstance(value, str) for value in values) else []
