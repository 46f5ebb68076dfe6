"""Read lines of text and rows of tables, plain or gzipped, with errors that name file and line."""

import gzip
import io
import sys
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from zoo.readers._encoding import LineDecoder, encoding_of_mark
from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError, nearest

BYTE_ORDER_MARK = "\ufeff"
BOMB = 2**26  # bytes of a line of a gzipped file, or of a file that is read at once; or, of a large file,
BOMB_RATIO = 50  # times its size: text is rarely packed to less than a tenth, DEFLATE's limit is a thousandth


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


def read_text(path: str | Path, errors: str = "strict") -> str:
    """The text of a file. Raises UserError, as `read_lines`, and for a gzipped file that unpacks to far more."""
    most, size, lines = most_unpacked(path), 0, []
    for _, line in read_lines(path, errors):
        lines.append(line)
        size += len(line)
        if size > most:
            raise too_large(path, most)
    return "".join(lines)


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a plain or gzipped file. Raises UserError, as `read_text`."""
    with _opened(path) as file:
        most = most_unpacked(path)
        data = file.read(most + 1) if _is_gzipped(path) else file.read()
        if len(data) > most:
            raise too_large(path, most)
        return data


def most_unpacked(path: str | Path) -> int:
    """The most bytes that are unpacked at once from a gzipped file; of any other file there is no limit."""
    return max(BOMB, BOMB_RATIO * Path(path).stat().st_size) if _is_gzipped(path) else sys.maxsize - 1


def _is_gzipped(path):
    return str(path).lower().endswith(".gz")


def is_blank(line: str) -> bool:
    """Whether a line holds spaces and tabs alone: a no-break space and its like are text."""
    return not line.strip(" \t\r\n")


def without_ending(line: str) -> str:
    """The line without its line ending."""
    return line.removesuffix("\n").removesuffix("\r")


def sentences(lines: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Group (number, line) pairs into lists, at blank lines."""
    group = []
    for number, line in lines:
        if not is_blank(line):
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
        most = most_unpacked(path)
        while line := file.readline(most + 1):
            if len(line) > most:
                raise too_large(path, most)
            yield line


def too_large(path: str | Path, most: int) -> UserError:
    """The error for a file that unpacks to more than memory should hold."""
    return UserError(
        f"Expected at most {most >> 20} MB at once from {path}. Received: more, in a compressed file of "
        f"{Path(path).stat().st_size >> 10} KB: unpack it first, if it is what it should be."
    )


def _lines_with_mark(path, encoding, errors) -> Iterator[str]:
    """The lines of a file in UTF-16 or UTF-32."""
    print_once(f"Read {path} as {encoding.upper()}, by its byte order mark.")
    try:
        with _opened(path) as file, io.TextIOWrapper(file, encoding, errors, newline="\n") as text:
            most = most_unpacked(path)
            while line := text.readline(most + 1):
                if len(line) > most:
                    raise too_large(path, most)
                yield line
    except UnicodeError as error:
        raise UserError(
            f"Expected {encoding.upper()} in {path}, by its byte order mark. Received: {error}. Save it as UTF-8."
        ) from error


@contextmanager
def _opened(path) -> Iterator[Any]:
    """A file or gzipped file, opened for reading bytes. Raises UserError where it cannot be read."""
    check_exists(path)
    opener: Any = gzip.open if _is_gzipped(path) else open
    try:
        with opener(path, "rb") as file:
            yield file
    except (EOFError, zlib.error) as error:
        raise UserError(
            f"Expected a complete gzip file. Received: {path}, which is truncated or damaged ({error})."
        ) from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error
