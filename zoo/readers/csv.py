"""CSV, comma-separated values by RFC 4180: a header, quoted cells that may hold commas, quotes and line breaks."""

import csv

from zoo.readers._lines import TableReader, read_lines
from zoo.runtime.errors import UserError


class Csv(TableReader):
    """Read .csv; a row's line number is that of its first line."""

    extensions = (".csv",)

    def cells(self, path, errors):
        csv.field_size_limit(2**31 - 1)  # fits a C long on every platform; the default limit is 128 KiB
        reader = csv.reader((line for _, line in read_lines(path, errors)), strict=True)
        start = 1
        try:
            for row in reader:
                if row:
                    yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise UserError(f"Expected well-formed CSV at {path}:{start}. Received: {error}.") from error
