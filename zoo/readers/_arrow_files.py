"""Files of Arrow tables: opened plain or gzipped, read in batches, with damaged ones refused in one line."""

import gzip
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from zoo.readers import Reader
from zoo.readers._features import columns_of_features, features_of_schema, rows_of_tables
from zoo.readers._lines import check_exists
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.optional import import_optional


class ArrowReader(Reader, ABC):
    """A file of Arrow tables; a subclass opens it."""

    @abstractmethod
    def tables(self, file: BinaryIO) -> tuple[Any, Iterator[Any]]:
        """(Arrow schema, iterator of record batches) of an open file."""

    def rows(self, path, errors):
        with open_binary(path) as file, refuse_damaged(path):
            schema, tables = self.tables(file)
            rows = rows_of_tables(map(_validated, tables), features_of_schema(schema))
            yield from ((f"{path} record {number}", row) for number, row in enumerate(rows, start=1))

    def source(self, path, errors):
        with open_binary(path) as file, refuse_damaged(path):
            columns = columns_of_features(features_of_schema(self.tables(file)[0]))
        return replace(super().source(path, errors), columns=columns)

    def count(self, path, errors):
        with open_binary(path) as file, refuse_damaged(path):
            return sum(table.num_rows for table in self.tables(file)[1])


def _validated(table):
    """A table or record batch whose offsets are within its buffers: pyarrow trusts those of a file, and would crash."""
    table.validate(full=True)
    return table


def import_arrow(module: str) -> Any:
    """A module of pyarrow. Raises UserError where it is not installed."""
    return import_optional(f"pyarrow.{module}", "tables", "Reading Parquet and Arrow files")


def open_binary(path: str | Path) -> BinaryIO:
    """Open a plain or gzipped file for reading bytes. Raises UserError where it does not exist or cannot be read."""
    check_exists(path)
    opener: Any = gzip.open if str(path).lower().endswith(".gz") else open
    try:
        return opener(path, "rb")
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error


@contextmanager
def refuse_damaged(path: str | Path) -> Iterator[None]:
    """Raise UserError, with the reason, where pyarrow cannot read the file at `path`, or Python cannot hold a value."""
    library = import_arrow("lib")
    try:
        yield
    except (library.ArrowException, OSError, EOFError, OverflowError, UnicodeDecodeError) as error:
        reason = single_line(str(error))[:200].rstrip(".")
        raise UserError(f"Cannot read {path}: it is damaged or of another format. Received: {reason}.") from error
