"""Columns with text that a model leaves unread, such as the second text of a pair: named once, in one line."""

from collections.abc import Mapping
from typing import Any

from zoo.data.fields import FIELDS, LABELS
from zoo.objectives import Objective
from zoo.runtime.console import console

TEXTS = tuple(name for name in FIELDS if name not in (*LABELS, "id", "ending"))  # standard fields with texts


def unread_columns(objective: Objective, row: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """Names of the columns of a row with text that an objective does not read.

    A column counts where it is a standard field, or has several words: ids and labels of other tasks do not.

    Args:
        row: all columns of a row.
        record: the record of that row, by standard fields.
    """
    read = [name for name in (*objective.fields.train, *objective.fields.inputs) if name in record]
    values = [record[name] for name in read if isinstance(record[name], str)]
    return [
        name
        for name, value in row.items()
        if isinstance(value, str)
        and value.strip()
        and name not in (*read, *LABELS)
        and (name in TEXTS or len(value.split()) > 1)
        and not any(value in text for text in values)
    ]


def report_unread(objective: Any, row: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Print which columns of a row a model leaves unread, if any."""
    names = unread_columns(objective, row, record)
    if not names:
        return
    single = getattr(objective, "pair", None) is False
    hint = " For pairs: zoo import --pair, or zoo train ... objective.pair=true." if single else ""
    inputs = " and ".join(objective.fields.inputs)
    console.print(f"Columns left unread: {', '.join(names)}. This model reads {inputs}.{hint}", markup=False)
