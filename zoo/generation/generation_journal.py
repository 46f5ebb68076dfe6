"""Journal of batch generation: an append-only file of finished batches, each durable before the next one begins.

An entry is {"batch": its number, "lines": [the lines of each record]}: see `zoo.runtime.journal`.
"""

from collections.abc import Sequence
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
        sizes: number of records of each batch of the run.

    Raises UserError for the journal of another run, a damaged one, and one that another process writes.
    """

    def __init__(self, path: Path, description: str, sizes: Sequence[int]) -> None:
        self._sizes = sizes
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
        if number >= len(self._sizes):
            raise self.error(f"Received: line {row}, and no more than {len(self._sizes)} batches are in the run.")
        if not isinstance(value, dict) or value.get("batch") != number:
            raise self.error(f"Received: line {row}, which is not batch {number}.")
        lines: Any = value.get("lines")
        if not _is_batch(lines) or len(lines) != self._sizes[number]:
            raise self.error(f"Received: line {row} without the texts of {self._sizes[number]} prompts.")


def _is_batch(value):
    """Whether a value is a list of lists of strings."""
    return isinstance(value, list) and all(map(_is_list_of_strings, value))


def _is_list_of_strings(value):
    return isinstance(value, list) and all(isinstance(line, str) for line in value)
