"""CSV by RFC 4180: a header, quoted cells that may hold separators, quotes and line breaks; also with ; | or tabs.

The separator is the one by which the header and the first rows have the same number of cells, two or more; of several,
the comma before the others. A message names any other than the comma. A first line `sep=;`, which Excel writes and
reads, names it.
"""

import contextlib
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from zoo.readers._lines import read_lines
from zoo.readers._tables import TableReader
from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SAMPLE = 50  # lines
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
LONGEST = 2**26  # characters of a cell: a quotation mark without its partner would take the rest of the file


class Csv(TableReader):
    """Read .csv; a row's line number is that of its first line."""

    extensions = (".csv",)

    def cells(self, path, errors):
        csv.field_size_limit(LONGEST)  # the default limit is 128 KiB
        lines = (line for _, line in read_lines(path, errors))
        sample = list(islice(lines, SAMPLE))
        named = SEPARATOR_LINE.fullmatch(sample[0]) if sample else None
        first = 1 if named else 0  # lines before the header
        separator = named[1] if named else detect_separator(sample)
        if separator != ",":
            print_once(f"Read {path} with {SEPARATORS.get(separator, repr(separator))} between cells.")
        yield from _rows(chain(sample[first:], lines), separator, path, first)


def _rows(lines: Iterator[str], separator: str, path, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of each row of lines after `before` others. Raises UserError for broken quotes."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    start = before + 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = before + reader.line_num + 1
    except csv.Error as error:
        hint = " Save it with line feeds at the ends of lines." if "new-line" in str(error) else ""
        raise UserError(f"Expected well-formed CSV at {path}:{start}. Received: {error}.{hint}") from error


def detect_separator(lines: Sequence[str]) -> str:
    """The separator of the first lines of a CSV file, a key of `SEPARATORS`."""
    widths = {separator: _widths(lines, separator) for separator in SEPARATORS}
    candidates = [separator for separator, counts in widths.items() if counts and counts[0] > 1]
    regular = [separator for separator in candidates if len(set(widths[separator])) == 1]
    return next(iter(regular or candidates), ",")


def _widths(lines, separator):
    """The number of cells of each row, the header first; of many lines without the last row, which may be cut."""
    widths = []
    with contextlib.suppress(csv.Error):
        widths.extend(len(row) for row in csv.reader(lines, delimiter=separator) if row)
    return widths[:-1] if len(lines) == SAMPLE and len(widths) > 1 else widths
