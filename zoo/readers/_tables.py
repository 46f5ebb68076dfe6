"""Tables: rows of cells, with names of columns from the first row, or by number where a file has no header."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._header import reason_for_no_header
from zoo.runtime.console import print_once
from zoo.runtime.errors import RowError, UserError, shorten

LISTED = 600  # characters of a header in a message
SAMPLE = 50  # rows by which a first row of data is told from a header

Cells = tuple[int, list[str]]  # (line number, the cells of a row)


class TableReader(Reader, ABC):
    """A table whose first row names its columns; a subclass splits a file into cells.

    Blanks around names are no part of them, and columns without a name, such as pandas' index, are left out. Where the
    first row is data, columns are numbered from 1, which a message says.
    """

    @abstractmethod
    def cells(self, path: str | Path, errors: str) -> Iterator[Cells]:
        """Yield (line number, list of cells) for every row, the header included."""

    def source(self, path, errors):
        return replace(super().source(path, errors), header=str(path))

    def rows(self, path, errors):
        header, cells = _header_and_cells(self.cells(path, errors), path)
        named = [index for index, name in enumerate(header) if name]
        for number, row in cells:
            location = f"{path}:{number}"
            while len(row) > len(header) and not str(row[-1]).strip():
                row.pop()
            if len(row) != len(header):
                yield location, RowError(_wrong_width(header, row, location), "a wrong number of fields")
            elif len(row) > 1 and [str(cell).strip() for cell in row] == header:
                yield location, RowError(f"Expected data at {location}. Received: the header again.", "a second header")
            else:
                yield location, {header[index]: row[index] for index in named}


def _header_and_cells(cells: Iterator[Cells], path) -> tuple[list[str], Iterator[Cells]]:
    """(names of the columns, the rows of data). Raises UserError where two columns have one name."""
    first = next(cells, (1, []))
    sample = list(islice(cells, SAMPLE))
    rows = chain(sample, cells)
    header = [str(name).strip() for name in first[1]]
    reason = reason_for_no_header(header, [row for _, row in sample])
    if reason:
        _report_no_header(first[1], reason, path)
        return [str(number) for number in range(1, len(header) + 1)], chain([first], rows)
    while header and not header[-1] and all(len(row) < len(header) or not row[-1] for _, row in sample):
        header.pop()  # separators at the ends of lines
    _check_header(header, path)
    return header, rows


def _report_no_header(row, reason, path):
    columns = ", ".join(f"{number} ({shorten(cell, 40)})" for number, cell in enumerate(row, start=1))
    print_once(
        f"Read {path} without a header, as {reason}. Its columns have numbers, as in --columns text=1: {columns}."
    )


def _check_header(header: Sequence[str], path):
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        received = f"{repeated[0]!r} twice, in columns={shorten(header, LISTED)}"
        raise UserError(f"Expected different column names in {path}. Received: {received}.")


def _wrong_width(header, row, location):
    hint = " Is it a CoNLL file? Its name then ends in .conll." if header[0].startswith("#") else ""
    amount = "few" if len(row) < len(header) else "many"
    return (
        f"Expected {len(header)} fields at {location}, as in the header {shorten(header, LISTED)}. "
        f"Received: too {amount} ({len(row)}), row={shorten(row)}.{hint}"
    )
