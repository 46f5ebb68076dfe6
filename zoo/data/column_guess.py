"""Column guessing: which columns of a table hold the texts, labels or tags, by their names and their content."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from zoo.data.columns import column_values, columns_option, has_column
from zoo.data.fields import FIELDS, LISTED
from zoo.data.instruction_columns import is_conversation
from zoo.data.label_cells import listed_labels, separator_of
from zoo.readers._column_names import NAMES
from zoo.runtime.errors import UserError, shorten

Row = Mapping[str, Any]
PAIRS = (("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"), ("text1", "text2"))
OF_SPANS = ("tokens", "tags")
MOST_CLASSES = 0.5  # of the rows: a label column has fewer distinct values


def guess_columns(rows: Sequence[Row], fields: Collection[str], names: Mapping[str, str]) -> dict[str, str]:
    """{field: column} of the fields for which the rows have no column of that name.

    Args:
        rows: the first rows of a table.
        fields: standard fields that are needed.
        names: {field: column} where it is known already, such as the reader's own; others are called as the field.

    Raises UserError, naming the candidates, where no column fits a field, or several fit equally well.
    """
    columns = {field: names.get(field, field) for field in fields if has_column(rows[0], names.get(field, field))}
    annotated = names.get("spans", "spans") in rows[0]  # spans of characters, which become tokens and tags
    missing = [field for field in fields if field not in columns and not (annotated and field in OF_SPANS)]
    pair = _pair_in(rows[0])
    if pair and "text" in missing:
        columns["text"], columns["text_pair"] = pair
    for field in missing:
        if field not in columns:
            columns[field] = _guess(rows, field, set(columns.values()))
    return {field: column for field, column in columns.items() if names.get(field, field) != column}


def guess_fields(rows: Sequence[Row], names: Mapping[str, str], exact: bool = False) -> set[str]:
    """The standard fields for which rows have a column by its name, with values of the field's form.

    Args:
        names: as of `guess_columns`.
        exact: only columns that are called as the field, or as `names` says.
    """
    fields = {field for field in FIELDS if _fits(rows, field, names.get(field, field))}
    if exact:
        return fields
    if _pair_in(rows[0]):
        fields |= {"text", "text_pair"}
    return fields | {field for field in NAMES if any(_fits(rows, field, column) for column in _by_name(rows[0], field))}


def is_scale(rows: Sequence[Row], column: str) -> bool:
    """Whether the labels of a column are numbers on a scale, such as similarities from 0 to 5, and not classes."""
    values = _values(rows, column)
    if not values or not all(map(is_number, values)):
        return False
    return any(float(value) % 1 for value in values)


def _guess(rows, field, taken):
    candidates = [column for column in rows[0] if column not in taken and _fits(rows, field, column)]
    named = [column for column in _by_name(rows[0], field) if column in candidates]
    if named:
        return named[0]
    if field == "text" and candidates:
        return max(candidates, key=lambda column: _mean_words(rows, column))
    if len(candidates) == 1:
        return candidates[0]
    columns = f"columns={shorten(list(rows[0]), LISTED)}."
    received = f"{', '.join(map(repr, candidates))}: which is it?" if candidates else columns
    mapping = columns_option({field: (candidates or ["NAME"])[0]})
    raise UserError(f"Expected a column for {field!r}. Received: {received} Name it: {mapping}.")


def _pair_in(row):
    """(first, second) columns of a pair of texts with well-known names."""
    return next(((first, second) for first, second in PAIRS if first in row and second in row), None)


def _by_name(row, field):
    """Columns of the row with a name of that field, the best first; upper and lower case count alike."""
    lower = {column.lower(): column for column in reversed(list(row))}
    return [lower[name] for name in NAMES.get(field, ()) if name in lower]


def _fits(rows, field, column):
    """Whether there is such a column, with values of the form of a field."""
    values = _values(rows, column)
    return bool(values) and FORMS.get(field, _is_text)(values)


def _values(rows, column):
    """The values of a column, which may be nested or joined, without empty ones."""
    values = (value for row in rows if has_column(row, column) for value in column_values(row, column))
    return [value for value in values if value not in (None, "")]


def _is_text(values):
    texts = [" ".join(map(str, value)) if isinstance(value, list) else value for value in values]
    return all(isinstance(text, str) for text in texts) and any(not is_number(text) for text in texts)


def _is_list(values):
    return all(isinstance(value, list) and not any(isinstance(item, dict) for item in value) for value in values)


def _is_label(values):
    if not all(isinstance(value, str | int | float) for value in values) or _hold_lists(values):
        return False
    few = len(set(values)) <= max(MOST_CLASSES * len(values), 2)
    return few or all(map(is_number, values))


def _are_labels(values):
    texts = all(isinstance(value, str) for value in values)
    return _is_list(values) or _is_label(values) or _hold_lists(values) or (texts and bool(separator_of(values)))


def _hold_lists(values):
    """Whether cells are lists as text, of which one has several items."""
    lists = [listed_labels(value) for value in values if isinstance(value, str)]
    return bool(lists) and None not in lists and any(len(items or ()) > 1 for items in lists)


def _is_answers(values):
    return all(isinstance(value, dict | list) for value in values)


def _is_messages(values):
    return all(map(is_conversation, values))


def is_number(value: Any) -> bool:
    """Whether a value is a number, or the text of one."""
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):  # the last for an integer beyond floats
        return False
    return True


def _mean_words(rows, column):
    return sum(len(str(value).split()) for value in _values(rows, column)) / len(rows)


FORMS: dict[str, Callable[[list], bool]] = {
    "label": _is_label,
    "labels": _are_labels,
    "tokens": _is_list,
    "tags": _is_list,
    "answers": _is_answers,
    "spans": lambda values: all(isinstance(value, list) for value in values),
    "messages": _is_messages,
}
