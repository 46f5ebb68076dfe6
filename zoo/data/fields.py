"""Map the columns of a row to the standard fields of a record, each in its standard form."""

from collections.abc import Collection, Container, Iterable, Mapping
from typing import Any

from zoo.data.columns import column_names, column_values, has_column
from zoo.data.messages import standard_messages
from zoo.data.span_annotations import annotation_columns, standard_spans
from zoo.runtime.errors import RowError, UserError, did_you_mean, nearest, shorten

STRINGS = (
    "text",
    "text_pair",
    "ending",
    "label",
    "context",
    "question",
    "source",
    "target",
    "instruction",
    "input",
    "output",
    "id",
)
LISTS = ("labels", "tokens", "tags")
FIELDS = (*STRINGS, *LISTS, "spans", "answers", "messages")
LABEL_SEPARATOR = ";"  # between the labels of one text, in formats whose cells are strings

# Columns of well-known data, for rows with all columns of a line: samsum, xsum, cnn_dailymail, gsm8k, ShareGPT.
KNOWN_COLUMNS = (
    {"source": "dialogue", "target": "summary"},
    {"source": "document", "target": "summary"},
    {"source": "article", "target": "highlights"},
    {"source": "question", "target": "answer", "instruction": "question", "output": "answer"},
    {"messages": "conversations"},
)


def check_columns(columns: Iterable[str]) -> None:
    """Raise UserError for a key of `columns` that is not a standard field."""
    for field in columns:
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS)
            known = ", ".join(FIELDS)
            raise UserError(f"Expected a standard field in columns. Received: {field!r}.{hint} Known: {known}.")


def columns_of(
    columns: Mapping[str, str], defaults: Mapping[str, str], fields: Iterable[str] = FIELDS
) -> dict[str, str]:
    """{field: column}: by the user's `columns`, else the reader's `defaults`, else the column of the same name."""
    return {field: columns.get(field, defaults.get(field, field)) for field in fields}


def known_columns(names: Mapping[str, str], row: Container[str]) -> dict[str, str]:
    """`names`, with columns of `KNOWN_COLUMNS` that `row` has for the fields that it lacks."""
    known = next((known for known in KNOWN_COLUMNS if all(column in row for column in known.values())), {})
    return {field: known[field] if field in known and column not in row else column for field, column in names.items()}


def to_record(
    row: Mapping[str, Any],
    location: str,
    names: Mapping[str, str],
    columns: Mapping[str, str] | None = None,
    header: str = "",
) -> dict[str, Any]:
    """The record of one row: the fields of `names`, as `columns_of` makes it, whose columns the row has.

    Args:
        location: of the row, for messages.
        columns: {field: column} that the user mapped; the row must have each column.
        header: the file whose first row names the columns of all rows, for messages; "": each row names its own.

    Raises UserError, with the location, where a column is missing or a value has the wrong form.
    """
    for field, column in (columns or {}).items():
        if field in names and not has_column(row, column):
            raise _missing(f"Expected a column {column!r} {_where(location, header)}. {_received(column, row)}", header)
    names = annotation_columns(known_columns(names, row), row)
    return {
        field: _standard_form(field, column_values(row, column), location)
        for field, column in names.items()
        if column in row or (field != column and has_column(row, column))
    }


def check_missing(names: Mapping[str, str], row: Mapping[str, Any], location: str, required: Iterable[str]) -> None:
    """Raise RowError for a required field whose cell is None: a null, or NaN in a data frame."""
    for field in required:
        if row.get(names.get(field, field), "") is None:
            received = f"{names.get(field, field)}=None (missing)"
            raise RowError(f"Expected a value of {field} at {location}. Received: {received}.", f"a missing {field}")


def check_record(
    record: Mapping[str, Any], row: Mapping[str, Any], location: str, required: Collection[str] = (), header: str = ""
) -> None:
    """Raise UserError where a record lacks a field of `required`, has an empty label, or not a tag for each token.

    Args: see `to_record`.
    """
    for field in required:
        if field not in record:
            mapping = f"--columns {field}={nearest(field, column_names(row)) or 'NAME'}"
            message = f"Expected a column {field!r} {_where(location, header)}. {_received(field, row)}"
            raise _missing(f"{message} Map it by {mapping}.", header)
    if record.get("label") == "" and (not required or "label" in required):
        raise RowError(f"Expected a label at {location}. Received: label=''.", "an empty label")
    tokens, tags = record.get("tokens"), record.get("tags")
    if tokens is not None and tags is not None and len(tokens) != len(tags):
        raise RowError(f"Expected one tag per token at {location}. Received: {len(tokens)} tokens, {len(tags)} tags.")


def _missing(message, header):
    """The error for a missing column: of all rows, where the header lacks it, else of one row."""
    return UserError(message) if header else RowError(message, "a missing column")


def _where(location, header):
    return f"in the header of {header}" if header else f"at {location}"


def _received(name, row):
    near = nearest(name, column_names(row))
    hint = f" The nearest is {near!r}." if near else ""
    return f"Received: columns={list(row)}.{hint}"


def _standard_form(field, values, location):
    """The standard form of the values of a column: texts are joined by a blank, lists follow one another."""
    if field in STRINGS:
        texts = [_string(field, value, location) for value in values]
        return " ".join(text for text in texts if text)
    if field in LISTS:
        return [item for value in values for item in _strings(field, value, location)]
    if len(values) > 1:
        received = f"{len(values)} joined columns at {location}"
        raise RowError(f"Expected one column for {field}, as only texts and lists are joined. Received: {received}.")
    (value,) = values
    if field == "spans":
        return standard_spans(value, location)
    return _answers(value, location) if field == "answers" else standard_messages(value, location)


def _string(field, value, location):
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if field == "label" and isinstance(value, list) and len(value) < 2:
        return _string(field, value[0] if value else "", location)
    if field == "label" and isinstance(value, list):
        raise RowError(
            f"Expected one label at {location}. Received: label={shorten(value)}. Several labels are those of "
            "objective.multi_label=True; spans of characters those of tag_tokens.",
            "several labels",
        )
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    raise RowError(f"Expected a string or a list of tokens at {location}. Received: {field}={shorten(value)}.")


def _strings(field, value, location):
    if isinstance(value, str) and field == "labels":
        return [label.strip() for label in value.split(LABEL_SEPARATOR) if label.strip()]
    if isinstance(value, str):
        return value.split()
    if field == "labels" and (value is None or isinstance(value, int | float)):
        return [] if value is None else [str(value)]
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return [str(item) for item in value]
    raise RowError(f"Expected a list of strings at {location}. Received: {field}={shorten(value)}.")


def _answers(value, location):
    """Answers come as [{"text", "start"}], as SQuAD's [{"text", "answer_start"}], or as one dict of two lists."""
    try:
        if isinstance(value, dict):
            starts = value["start"] if "start" in value else value["answer_start"]
            value = [{"text": text, "start": start} for text, start in zip(value["text"], starts, strict=True)]
        return [_answer(**answer) for answer in value]
    except (TypeError, KeyError, ValueError) as error:
        raise RowError(
            f'Expected answers as [{{"text": ..., "start": ...}}] at {location}. Received: answers={shorten(value)}.'
        ) from error


def _answer(text, start=None, answer_start=None, **_):
    if not isinstance(text, str):
        raise TypeError(text)
    value: Any = answer_start if start is None else start
    return {"text": text, "start": int(value)}
