"""Journal of batch generation: an append-only file of finished batches, locked while a process writes it.

The first line identifies the run; each other line is {"batch": its number, "lines": [the lines of each record]}. A last
line without its end, which a killed process left, is dropped.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zoo.runtime.durability import sync
from zoo.runtime.errors import UserError
from zoo.runtime.files import name_in_errors
from zoo.runtime.locks import LockedError, open_locked

Batch = list[list[str]]  # lines of each record of a batch
FORMAT = "zoo generate 2"  # of the first line
ADVICE = "Delete it, or choose another output."


class Journal:
    """The journal of a run, for a `with` statement: `batches` that it holds, and `add`.

    Args:
        path: of the file, created if missing.
        description: identifies the run.
        sizes: number of records of each batch of the run.

    Raises UserError for the journal of another run, a damaged one, and one that another process writes.
    """

    def __init__(self, path: Path, description: str, sizes: Sequence[int]) -> None:
        self.path, self._sizes = path, sizes
        self._run = hashlib.sha256(description.encode("utf-8", "backslashreplace")).hexdigest()
        with name_in_errors(path):
            self._file = os.fdopen(self._open(), "r+b")
        try:
            self.batches = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()

    def add(self, batch: Batch) -> None:
        """Append a batch, durably."""
        self._append({"batch": len(self.batches), "lines": batch})
        self.batches.append(batch)

    def _open(self):
        try:
            return open_locked(self.path)
        except LockedError:
            raise UserError(
                f"Expected {self.path} for this process alone. Received: another process, which is writing it. "
                "Wait for its end, or choose another output."
            ) from None

    def _read(self) -> list[Batch]:
        """The batches in the file, whose last line is dropped where it has no end."""
        content, header = self._file.read(), {"journal": FORMAT, "run": self._run}
        lines = [line + b"\n" for line in content.split(b"\n")[:-1]]
        if lines:
            self._check_header(self._parse(lines[0], 1))
        elif not _encode(header).startswith(content):
            raise self._error("Received: another file.")
        batches = [self._batch(line, number) for number, line in enumerate(lines[1:])]
        self._file.seek(sum(map(len, lines)))
        self._file.truncate()
        if not lines:
            self._append(header)
            sync(self.path.parent)
        return batches

    def _check_header(self, header):
        if not isinstance(header, dict) or header.get("journal") != FORMAT:
            raise self._error("Received: another file, or one of an older version of zoo.")
        if header.get("run") != self._run:
            raise UserError(
                f"Expected the options and prompts of the run that began {self.path}. Received: other ones. {ADVICE}"
            )

    def _append(self, value: Any) -> None:
        with name_in_errors(self.path):
            self._file.write(_encode(value))
            self._file.flush()
            os.fsync(self._file.fileno())

    def _batch(self, line: bytes, number: int) -> Batch:
        """The batch of that number, from its line."""
        value, row = self._parse(line, number + 2), number + 2
        if number >= len(self._sizes):
            raise self._error(f"Received: line {row}, and no more than {len(self._sizes)} batches are in the run.")
        if not isinstance(value, dict) or value.get("batch") != number:
            raise self._error(f"Received: line {row}, which is not batch {number}.")
        lines: Any = value.get("lines")
        if not _is_batch(lines) or len(lines) != self._sizes[number]:
            raise self._error(f"Received: line {row} without the texts of {self._sizes[number]} prompts.")
        return lines

    def _parse(self, line, row):
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise self._error(f"Received: line {row}, which is not JSON in UTF-8.") from None

    def _error(self, received):
        return UserError(
            f"Expected the journal of this run in {self.path}. {received} Delete it, or choose another output."
        )


def _encode(value):
    return json.dumps(value).encode() + b"\n"


def _is_batch(value):
    """Whether a value is a list of lists of strings."""
    return isinstance(value, list) and all(map(_is_list_of_strings, value))


def _is_list_of_strings(value):
    return isinstance(value, list) and all(isinstance(line, str) for line in value)
