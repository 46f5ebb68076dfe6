"""Prediction files in the making: chunks of rows with their answers, kept by a journal until the file is complete.

Finished chunks are in `<output>.partial`, and `<output>.journal` says which; the output itself is complete or absent.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.pipeline.prediction_chunk import EncodedChunk, Row, checksum
from zoo.pipeline.prediction_formats import FORMATS, Answers
from zoo.runtime.console import console
from zoo.runtime.errors import UserError, did_you_mean
from zoo.runtime.files import name_in_errors
from zoo.runtime.journal import Journal
from zoo.text.truncated import TruncationCount

FORMAT = "zoo predict 1"  # of the journal


class ChangedRowsError(UserError):
    """The rows of an interrupted run have changed since."""


def check_output(output: str | Path, objective: Answers, overwrite: bool = False) -> None:
    """Raise UserError for a file of another format than `FORMATS` has, or one that exists and is not to be replaced."""
    path, known = Path(output), [name for name in FORMATS if name != ".json" or _has_ids(objective)]
    if path.suffix not in known:
        hint = did_you_mean(path.suffix, known)
        raise UserError(f"Expected an output file with the ending {' or '.join(known)}. Received: {output}.{hint}")
    if path.is_dir():
        raise UserError(f"Expected the path of an output file. Received: {output}, which is a folder.")
    check_absent(path, overwrite)
    FORMATS[path.suffix](objective)  # imports its library


def check_absent(path: Path, overwrite: bool) -> None:
    """Raise UserError for a file that exists and is not to be replaced."""
    if path.exists() and not overwrite:
        raise UserError(f"Expected the path of a new file. Received: {path}, which exists: --force replaces it.")


def _has_ids(objective):
    """Whether an objective's records have the ids that SQuAD's form needs."""
    return "id" in getattr(getattr(objective, "fields", None), "optional", ())


class PredictionFile:
    """A prediction file in the making, with its journal: an entry for each chunk, {rows, bytes, checksums, texts, cut}.

    A chunk whose bytes are not as the journal says, after a power cut, is made again with those after it.

    Args:
        output: the path of the file.
        format: one of `zoo.pipeline.prediction_formats.FORMATS`.
        description: identifies the run.
        replace: whether the beginning of another run is replaced.
    """

    def __init__(self, output: Path, format: Any, description: str, replace: bool) -> None:
        self.output, self.partial = output, output.with_name(f"{output.name}.partial")
        advice = f"Delete it, choose another output, or add --force to begin {output.name} anew."
        path = output.with_name(f"{output.name}.journal")
        self._journal = Journal(path, FORMAT, description, advice, durable=False, replace=replace)
        self._format = format

    def __enter__(self):
        self._journal.__enter__()
        with name_in_errors(self.partial):
            self._file = self.partial.open("r+b" if self.partial.is_file() else "w+b")
        self._drop_damaged()
        if self._journal.entries:
            self._format.resume(self.partial)
        return self

    def __exit__(self, *error):
        self._file.close()
        self._journal.__exit__(*error)

    @property
    def chunks(self) -> int:
        """The number of chunks in the file."""
        return len(self._journal.entries)

    @property
    def rows(self) -> int:
        """The number of rows in the file."""
        return sum(entry["rows"] for entry in self._journal.entries)

    @property
    def truncated(self) -> TruncationCount:
        """How many texts were cut in all chunks."""
        count = TruncationCount()
        for entry in self._journal.entries:
            count.add(entry["texts"], {int(length): number for length, number in entry["cut"].items()})
        return count

    def skip(self, chunks: Iterable[list[Row]]) -> Iterator[list[Row]]:
        """The chunks that are not in the file. Raises ChangedRowsError where those before them have changed."""
        chunks, row = iter(chunks), 1
        for entry in self._journal.entries:
            if checksum(next(chunks, [])) != entry["input"]:
                error = self._journal.error(f"Received: other rows than it had, from row {row} on.")
                raise ChangedRowsError(str(error))
            row += entry["rows"]
        return chunks

    def add(self, encoded: EncodedChunk) -> None:
        """Append a chunk."""
        content = self._format.append(encoded.content)
        with name_in_errors(self.partial):
            self._file.write(content)
            self._file.flush()
        entry = {"rows": encoded.rows, "bytes": len(content), "checksum": zlib.crc32(content)}
        entry |= {"input": encoded.checksum, "texts": encoded.texts, "cut": encoded.cut}
        self._journal.append(entry)

    def publish(self) -> None:
        """Make the output of the file, and remove the journal."""
        self._file.close()
        with name_in_errors(self.output):
            self._format.publish(self.partial, [entry["bytes"] for entry in self._journal.entries], self.output)
        self._journal.path.unlink()

    @contextmanager
    def report_on_error(self, resumable: bool) -> Iterator[None]:
        """Where the block is interrupted, report how many rows are in the file; in the line of a user error too.

        Args:
            resumable: whether the run can be resumed. Else, and where there is no row, nothing is left.
        """
        try:
            yield
        except ChangedRowsError:  # the same command cannot continue
            raise
        except BaseException as error:
            if not resumable or not self.rows:
                self.remove()
                raise
            message = f"{self.rows:,} rows are in {self.partial}: the same command continues."
            if isinstance(error, UserError):
                raise UserError(f"{error} The first {message}") from error
            console.print(message)
            raise

    def remove(self) -> None:
        """Remove the file and its journal."""
        self.partial.unlink(missing_ok=True)
        self._journal.path.unlink(missing_ok=True)

    def _drop_damaged(self):
        entries = self._journal.entries
        intact = sum(1 for _ in _intact(self._file, entries))
        if intact < len(entries):
            self._journal.truncate(intact)
        self._file.seek(sum(entry["bytes"] for entry in self._journal.entries))
        self._file.truncate()


def _intact(file, entries):
    """Yield the entries until one whose bytes are not in the file."""
    for entry in entries:
        if zlib.crc32(file.read(entry["bytes"])) != entry["checksum"]:
            return
        yield entry
