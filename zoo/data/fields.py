"""Map the columns of a row to the standard fields of a record, each in its standard form."""

from collections.abc import Collection, Container, Iterable, Mapping
from typing import Any

from zoo.data import instruction_columns
from zoo.data.columns import column_names, column_values, columns_option, has_column
from zoo.data.instruction_columns import check_instruction, reads_instructions, with_system
from zoo.data.span_annotations import annotation_columns
from zoo.data.standard_forms import LISTS, STRINGS, standard_form
from zoo.readers import Source
from zoo.runtime.errors import RowError, UserError, did_you_mean, nearest, shorten

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
LISTED = 600  # characters of a list of columns in a message
WORDS = ("tokens", "tags")
LABELS = ("label", "labels", "tags", "answers")  # what a model predicts: predicting reads none of them


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
    separator: str = LABEL_SEPARATOR,
) -> dict[str, Any]:
    """The record of one row: the fields of `names`, as `columns_of` makes it, whose columns the row has.

    Args:
        location: of the row, for messages.
        columns: {field: column} that the user mapped; the row must have each column.
        header: the file whose first row names the columns of all rows, for messages; "": each row names its own.
        separator: between the labels of a cell.

    Raises UserError, with the location, where a column is missing or a value has the wrong form.
    """
    for field, column in (columns or {}).items():
        if field in names and not has_column(row, column):
            raise _missing(f"Expected a column {column!r} {_where(location, header)}. {_received(column, row)}", header)
    instructions = reads_instructions(names)
    names = row_columns(names, row, columns or ())
    record = {
        field: standard_form(field, column_values(row, column), location, separator)
        for field, column in names.items()
        if column in row or (field != column and has_column(row, column))
    }
    if not instructions:
        return record
    check_instruction(row, names, location)
    return with_system(record, row)


def row_columns(names: Mapping[str, str], row: Mapping[str, Any], mapped: Collection[str] = ()) -> dict[str, str]:
    """{field: column} of a row: `names`, and columns that are known by other names, unless the user `mapped` them."""
    names = annotation_columns(known_columns(names, row), row)
    return instruction_columns.instruction_columns(names, row, mapped) if reads_instructions(names) else dict(names)


def check_missing(names: Mapping[str, str], row: Mapping[str, Any], location: str, required: Iterable[str]) -> None:
    """Raise RowError for a required field whose cell is None: a null, or NaN in a data frame."""
    for field in required:
        column = names.get(field, field)
        if has_column(row, column) and all(value is None for value in column_values(row, column)):
            received = f"{column}=None (missing)"
            raise RowError(f"Expected a value of {field} at {location}. Received: {received}.", f"a missing {field}")


def check_record(
    record: Mapping[str, Any],
    row: Mapping[str, Any],
    location: str,
    required: Collection[str],
    source: Source,
) -> None:
    """Raise UserError where a record lacks a field of `required`, has an empty label, or not a tag for each token.

    Args: see `to_record`; `source` is that of the row.
    """
    for field in required:
        if field not in record and not (field in instruction_columns.FIELDS and "messages" in record):
            raise _missing(_without_field(field, row, location, source), source.header)
    if record.get("label") == "" and (not required or "label" in required):
        raise RowError(f"Expected a label at {location}. Received: label=''.", "an empty label")
    tokens, tags = record.get("tokens"), record.get("tags")
    if tokens is not None and tags is not None and len(tokens) != len(tags):
        raise RowError(f"Expected one tag per token at {location}. Received: {len(tokens)} tokens, {len(tags)} tags.")


def _without_field(field, row, location, source):
    """The message for a row without a field."""
    expected = f"Expected a column {field!r} {_where(location, source.header)}."
    if source.note and field not in source.columns:
        return f"{expected} Received: none. {source.note}"
    default = next((name for name in row if name.isdecimal()), "NAME")  # of a file without a header
    mapping = columns_option({field: nearest(field, column_names(row)) or default})
    conll = " A file with a token in each line is one of CoNLL: its name ends in .conll." if field in WORDS else ""
    return f"{expected} {_received(field, row)} Map it by {mapping}.{conll}"


def _missing(message, header):
    """The error for a missing column: of all rows, where the header lacks it, else of one row."""
    return UserError(message) if header else RowError(message, "a missing column")


def _where(location, header):
    return f"in the header of {header}" if header else f"at {location}"


def _received(name, row):
    near = nearest(name, column_names(row))
    hint = f" The nearest is {near!r}." if near else ""
    return f"Received: columns={shorten(list(row), LISTED)}.{hint}"
