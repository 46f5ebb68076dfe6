"""Read lines of text and rows of tables, plain or gzipped, with errors that name file and line."""

import gzip
import io
import zlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from zoo.readers import Reader
from zoo.readers._encoding import LineDecoder, encoding_of_mark
from zoo.runtime.console import print_once
from zoo.runtime.errors import RowError, UserError, nearest, shorten

BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: str | Path, errors: str = "strict") -> Iterator[tuple[int, str]]:
    """Yield (number, line) for each line of a file, with its line ending, holding one line at a time.

    The encoding is UTF-8, that of a byte order mark or, with "strict", perhaps cp1252: see `zoo.readers._encoding`.
    `errors` is "strict" or "replace" (broken UTF-8 becomes U+FFFD). Raises UserError that names the file and the line.
    """
    lines = _raw_lines(path)
    first = next(lines, b"")
    if encoding := encoding_of_mark(first):
        lines.close()
        yield from enumerate(_lines_with_mark(path, encoding, errors), start=1)
        return
    decoder = LineDecoder(str(path), errors)
    for number, line in enumerate(chain([first] if first else [], lines), start=1):
        if b"\0" in line:
            raise UserError(
                f"Expected text. Received: a NUL byte at {path}:{number}. Is it UTF-16 or binary? Save it as UTF-8."
            )
        text = decoder.decode(line, number)
        yield number, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text


def without_ending(line: str) -> str:
    """The line without its line ending."""
    return line.removesuffix("\n").removesuffix("\r")


def sentences(lines: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Group (number, line) pairs into lists, at blank lines."""
    group = []
    for number, line in lines:
        if line.strip():
            group.append((number, line))
        elif group:
            yield group
            group = []
    if group:
        yield group


def check_exists(path: str | Path) -> None:
    """Raise UserError, with the nearest name in its folder, where `path` does not exist."""
    path = Path(path)
    if path.exists():
        return
    if not path.parent.is_dir():
        raise UserError(
            f"Expected a file or folder. Received: path={str(path)!r}, but there is no folder {path.parent}."
        )
    near = nearest(path.name, [file.name for file in path.parent.iterdir()])
    hint = f" The nearest name in that folder is {str(path.parent / near)!r}." if near else ""
    raise UserError(f"Expected a file or folder. Received: path={str(path)!r}, which does not exist.{hint}")


def _raw_lines(path) -> Generator[bytes]:
    with _opened(path) as file:
        yield from file


def _lines_with_mark(path, encoding, errors) -> Iterator[str]:
    """The lines of a file in UTF-16 or UTF-32."""
    print_once(f"Read {path} as {encoding.upper()}, by its byte order mark.")
    try:
        with _opened(path) as file, io.TextIOWrapper(file, encoding, errors, newline="\n") as text:
            yield from text
    except UnicodeError as error:
        raise UserError(
            f"Expected {encoding.upper()} in {path}, by its byte order mark. Received: {error}. Save it as UTF-8."
        ) from error


@contextmanager
def _opened(path) -> Iterator[Any]:
    """A file or gzipped file, opened for reading bytes. Raises UserError where it cannot be read."""
    check_exists(path)
    opener: Any = gzip.open if str(path).lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            yield file
    except (EOFError, zlib.error) as error:
        raise UserError(
            f"Expected a complete gzip file. Received: {path}, which is truncated or damaged ({error})."
        ) from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error


class TableReader(Reader, ABC):
    """A table whose first row names its columns; a subclass splits a file into cells."""

    @abstractmethod
    def cells(self, path: str | Path, errors: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, list of cells) for every row, the header included."""

    def source(self, path, errors):
        return replace(super().source(path, errors), header=str(path))

    def rows(self, path, errors):
        cells = self.cells(path, errors)
        header = next(cells, (1, []))[1]
        _check_header(header, path)
        for number, row in cells:
            location = f"{path}:{number}"
            if len(row) == len(header):
                yield location, dict(zip(header, row, strict=True))
            else:
                yield location, RowError(_wrong_width(header, row, location), "a wrong number of fields")


def _check_header(header, path):
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise UserError(
            f"Expected different column names in {path}. Received: {repeated[0]!r} twice, in columns={header}."
        )


def _wrong_width(header, row, location):
    amount = "few" if len(row) < len(header) else "many"
    return (
        f"Expected {len(header)} fields at {location}, as in the header {header}. "
        f"Received: too {amount} ({len(row)}), row={shorten(row)}."
    )
