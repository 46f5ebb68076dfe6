"""Journals: append-only files of JSON lines by which an interrupted run is resumed, locked while a process writes them.

The first line identifies the run; each other line is an entry. A last line without its end, which a killed process
left, is dropped.
"""

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zoo.runtime.durability import sync
from zoo.runtime.errors import UserError
from zoo.runtime.files import name_in_errors
from zoo.runtime.locks import LockedError, open_locked


class Journal:
    """The journal of a run, for a `with` statement: the `entries` that it holds, and `append`.

    Args:
        path: of the file, created if missing.
        format: name and version of the entries' format, on the first line.
        description: identifies the run.
        advice: ends the message for the journal of another run: what to do about it.
        durable: whether entries survive a power cut too, which takes a sync (fsync) for each.
        replace: whether the journal of another run, or a damaged one, is begun anew; by default it is an error.

    Raises UserError for the journal of another run, a damaged one, and one that another process writes.
    """

    def __init__(
        self, path: Path, format: str, description: str, advice: str = "", durable: bool = True, replace: bool = False
    ) -> None:
        self.path, self.advice, self._durable = path, advice or "Delete it, or choose another output.", durable
        self._format = format
        self._run = hashlib.sha256(description.encode("utf-8", "backslashreplace")).hexdigest()
        with name_in_errors(path):
            self._file = os.fdopen(self._open(), "r+b")
        try:
            self.entries = self._read_or_begin(replace)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()

    def append(self, value: Any) -> None:
        """Append an entry, which JSON can hold."""
        self._write(value)
        self.entries.append(value)

    def truncate(self, count: int) -> None:
        """Drop all entries after the first `count`."""
        self.entries = self.entries[:count]
        self._file.seek(0)
        self._file.truncate()
        for value in (self._header(), *self.entries):
            self._write(value)

    def check_entry(self, number: int, value: Any) -> None:
        """Raise `self.error(...)` for a value that cannot be the entry of that number; subclasses say which."""

    def error(self, received: str) -> UserError:
        """The error for a file that is no journal of this run."""
        return UserError(f"Expected the journal of this run in {self.path}. {received} {self.advice}")

    def _open(self):
        try:
            return open_locked(self.path)
        except LockedError:
            raise UserError(
                f"Expected {self.path} for this process alone. Received: another process, which is writing it. "
                "Wait for its end, or choose another output."
            ) from None

    def _header(self):
        return {"journal": self._format, "run": self._run}

    def _read_or_begin(self, replace):
        try:
            return self._read()
        except UserError:
            if not replace:
                raise
        self.truncate(0)
        return self.entries

    def _read(self) -> list[Any]:
        """The entries in the file, whose last line is dropped where it has no end."""
        self.entries = []
        content, header = self._file.read(), self._header()
        lines = [line + b"\n" for line in content.split(b"\n")[:-1]]
        if lines:
            self._check_header(self._parse(lines[0], 1))
        elif not _encode(header).startswith(content):
            raise self.error("Received: another file.")
        entries = [self._parse(line, number + 2) for number, line in enumerate(lines[1:])]
        for number, entry in enumerate(entries):
            self.check_entry(number, entry)
        self._file.seek(sum(map(len, lines)))
        self._file.truncate()
        if not lines:
            self._write(header)
            sync(self.path.parent)
        return entries

    def _check_header(self, header):
        if not isinstance(header, dict) or header.get("journal") != self._format:
            raise self.error("Received: another file, or one of an older version of zoo.")
        if header.get("run") != self._run:
            raise UserError(
                f"Expected the options and inputs of the run that began {self.path}. Received: other ones. "
                f"{self.advice}"
            )

    def _write(self, value: Any) -> None:
        with name_in_errors(self.path):
            self._file.write(_encode(value))
            self._file.flush()
            if self._durable:
                os.fsync(self._file.fileno())

    def _parse(self, line, row):
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise self.error(f"Received: line {row}, which is not JSON in UTF-8.") from None


def _encode(value):
    return json.dumps(value).encode() + b"\n"
