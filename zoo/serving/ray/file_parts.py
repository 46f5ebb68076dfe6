"""Parts of JSON Lines and Parquet files: ranges of rows that processes, on several machines too, read independently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.readers._arrow_files import import_arrow, open_binary, refuse_damaged
from zoo.readers._features import features_of_schema, rows_of_tables
from zoo.readers.jsonl import row_of_line
from zoo.runtime.errors import RowError, UserError

SUFFIXES = (".jsonl", ".parquet")
PART_BYTES = 256 * 1024  # of a part of JSON Lines: about a thousand rows
PART_ROWS = 4096  # of a part of Parquet
MOST_PARTS = 4000  # of a file of JSON Lines


@dataclass(frozen=True)
class FilePart:
    """A part of a file.

    Attributes:
        path: of the file.
        start, end: bytes of JSON Lines; rows of a row group of Parquet.
        first: number of its first line or record, from 1.
        row_group: of Parquet.
    """

    path: str
    start: int
    end: int
    first: int
    row_group: int = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows, {column: value}. Raises UserError, with the location, for a broken one."""
        for row in _json_rows(self) if self.path.endswith(".jsonl") else _parquet_rows(self):
            if isinstance(row, RowError):
                raise row
            yield row


def file_parts(path: str | Path) -> list[FilePart]:
    """The parts of a file, in order. Raises UserError for a file that is missing, empty or damaged."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise UserError(f"Expected a {' or '.join(SUFFIXES)} file for --ray. Received: {path}.")
    parts = list(_json_parts(path) if path.suffix == ".jsonl" else _parquet_parts(path))
    if not parts:
        raise UserError(f"Expected records in {path}. Received: an empty file.")
    return parts


def _json_parts(path):
    """Ranges of complete lines. The file is read once, to number them."""
    with open_binary(path) as file:
        size = max(PART_BYTES, path.stat().st_size // MOST_PARTS)
        start, first = 0, 1
        while block := file.read(size):
            block += file.readline()
            yield FilePart(str(path), start, start + len(block), first)
            start, first = start + len(block), first + block.count(b"\n")


def _json_rows(part):
    with open_binary(part.path) as file:
        file.seek(part.start)
        content = file.read(part.end - part.start)
    for number, line in enumerate(content.split(b"\n"), start=part.first):
        if line.strip():
            try:
                yield row_of_line(line.decode("utf-8-sig" if number == 1 else "utf-8"), part.path, number)
            except UnicodeDecodeError as error:
                raise UserError(
                    f"Expected text in UTF-8. Received: byte {error.start + 1} of {part.path}:{number}."
                ) from None


def _parquet_parts(path):
    first = 1
    with open_binary(path) as file, refuse_damaged(path):
        metadata = import_arrow("parquet").ParquetFile(file).metadata
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            for start in range(0, count, PART_ROWS):
                yield FilePart(str(path), start, min(start + PART_ROWS, count), first + start, group)
            first += count


def _parquet_rows(part):
    with open_binary(part.path) as file, refuse_damaged(part.path):
        parquet = import_arrow("parquet").ParquetFile(file)
        table = parquet.read_row_group(part.row_group).slice(part.start, part.end - part.start)
        table.validate(full=True)
        yield from rows_of_tables(iter([table]), features_of_schema(parquet.schema_arrow))
