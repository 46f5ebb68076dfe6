"""CSV by RFC 4180: a header, quoted cells that may hold separators, quotes and line breaks; also with ; | or tabs.

The separator is the one by which the header and the first rows have the same number of cells, two or more; of several,
the comma before the others. A message names any other than the comma.
"""

import contextlib
import csv
from collections.abc import Sequence
from itertools import chain, islice

from zoo.readers._lines import TableReader, read_lines
from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SAMPLE = 50  # lines


class Csv(TableReader):
    """Read .csv; a row's line number is that of its first line."""

    extensions = (".csv",)

    def cells(self, path, errors):
        csv.field_size_limit(2**31 - 1)  # fits a C long on every platform; the default limit is 128 KiB
        lines = (line for _, line in read_lines(path, errors))
        sample = list(islice(lines, SAMPLE))
        separator = detect_separator(sample)
        if separator != ",":
            print_once(f"Read {path} with {SEPARATORS[separator]} between cells.")
        reader = csv.reader(chain(sample, lines), delimiter=separator, strict=True)
        start = 1
        try:
            for row in reader:
                if row:
                    yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise UserError(f"Expected well-formed CSV at {path}:{start}. Received: {error}.") from error


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
