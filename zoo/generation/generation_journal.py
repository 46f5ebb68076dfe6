"""Journal of batch generation: an append-only file of finished batches, each durable before the next one begins.

An entry is {"batch": its number, "lines": [the lines of each record]}: see `zoo.runtime.journal`.
"""

from pathlib import Path
from typing import Any

from zoo.runtime.journal import Journal

Batch = list[list[str]]  # lines of each record of a batch
FORMAT = "zoo generate 2"  # of the first line


class GenerationJournal(Journal):
    """The journal of a run, for a `with` statement: `batches` that it holds, and `add`.

    Args:
        path: of the file, created if missing.
        description: identifies the run.
        records: number of records of the run. A batch may have any of them: another device has other batches.

    Raises UserError for the journal of another run, a damaged one, and one that another process writes.
    """

    def __init__(self, path: Path, description: str, records: int) -> None:
        self._records = self._missing = records
        super().__init__(path, FORMAT, description)

    @property
    def batches(self) -> list[Batch]:
        """The finished batches, in order."""
        return [entry["lines"] for entry in self.entries]

    def add(self, batch: Batch) -> None:
        """Append a batch, durably."""
        self.append({"batch": len(self.entries), "lines": batch})

    def check_entry(self, number: int, value: Any) -> None:
        row = number + 2
        if not self._missing:
            raise self.error(f"Received: line {row}, after the texts of all {self._records} prompts.")
        if not isinstance(value, dict) or value.get("batch") != number:
            raise self.error(f"Received: line {row}, which is not batch {number}.")
        lines: Any = value.get("lines")
        if not _is_batch(lines) or not 0 < len(lines) <= self._missing:
            raise self.error(f"Received: line {row} without the texts of 1 to {self._missing} prompts.")
        self._missing -= len(lines)


def _is_batch(value):
    """Whether a value is a list of lists of strings."""
    return isinstance(value, list) and all(map(_is_list_of_strings, value))


def _is_list_of_strings(value):
    return isinstance(value, list) and all(isinstance(line, str) for line in value)
