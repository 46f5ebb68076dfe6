"""Column names: a column of a row, several joined (`subject+body`), or one in nested objects and lists (`ticket.body`).

A column whose own name holds a + or a . goes before a joined or nested one. On the command line, a name with a comma,
an equals sign, a quotation mark, or blanks around it, stands in double quotes: --columns 'text="one, two",label=y'.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.runtime.errors import UserError

JOIN = "+"
PREFIX = "predicted_"  # of an answer's field whose name the row has already
NESTED = "."
PAIR = re.compile(r'\s*(\w+)\s*=\s*("(?:[^"]|"")*"|(?!")[^,]*)\s*(?:,|$)')
QUOTED = re.compile(r'[,="]|^\s|\s$|^$')  # a name that needs double quotes
_MISSING = object()


def parse_columns(text: str) -> dict[str, str]:
    """{standard field: column} of --columns. Raises UserError for any other form than FIELD=NAME,FIELD=NAME."""
    columns, position = {}, 0
    while position < len(text):
        match = PAIR.match(text, position)
        if not match:
            quotes = """; a name with a comma in double quotes, as in 'text="one, two",label=y'""" if position else ""
            raise UserError(
                f"Expected --columns FIELD=NAME,FIELD=NAME, as in text=sentence,label=y{quotes}. Received: {text!r}."
            )
        name = match[2]
        columns[match[1]] = name[1:-1].replace('""', '"') if name.startswith('"') else name.strip()
        position = match.end()
    return columns


def columns_option(columns: Mapping[str, str]) -> str:
    """The option --columns that maps fields to columns, quoted for a shell."""
    return f"--columns {shlex.quote(','.join(f'{field}={_quoted(name)}' for field, name in columns.items()))}"


def _quoted(name):
    return '"' + name.replace('"', '""') + '"' if QUOTED.search(name) else name


def has_column(row: Mapping[str, Any], column: str) -> bool:
    """Whether a row has a column: each part of a joined one."""
    return column in row or bool(_values(row, column))


def column_values(row: Mapping[str, Any], column: str) -> list[Any]:
    """The values of a column: one, or one for each part of a joined column. Raises KeyError for a missing column."""
    values = [row[column]] if column in row else _values(row, column)
    if not values:
        raise KeyError(column)
    return values


def column_names(row: Mapping[str, Any]) -> list[str]:
    """The names of the columns of a row, nested ones with their path."""
    return list(_names(row, ""))


def beside(row: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A row with the fields of its answer; a name that the row has already gets the prefix "predicted_"."""
    return row | {f"{PREFIX}{name}" if name in row else name: value for name, value in answer.items()}


def _values(row, column):
    """The value of each part of a column that is not itself a key of the row; [] where one is missing."""
    values = [_nested(row, part.strip()) for part in column.split(JOIN)]
    return [] if any(value is _MISSING for value in values) else values


def _nested(value, path):
    """The value at a path such as messages.0.content; the longest key that a dict has goes first."""
    if not path:
        return _MISSING
    if isinstance(value, list):
        head, _, tail = path.partition(NESTED)
        if not head.removeprefix("-").isdecimal() or not -len(value) <= int(head) < len(value):
            return _MISSING
        return _nested(value[int(head)], tail) if tail else value[int(head)]
    if not isinstance(value, Mapping):
        return _MISSING
    if path in value:
        return value[path]
    names = path.split(NESTED)
    for count in range(len(names) - 1, 0, -1):
        key = NESTED.join(names[:count])
        if key in value and (inner := _nested(value[key], NESTED.join(names[count:]))) is not _MISSING:
            return inner
    return _MISSING


def _names(row, prefix) -> Iterator[str]:
    for name, value in row.items():
        yield f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}{NESTED}")
