"""Resumable batch generation: thousands of prompts into one file, resumed after an interruption.

Finished batches are lines of `<output>.partial`: a batch is stored completely or not at all. Batches and sampled texts
are the same however often a run is interrupted.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from rich.progress import track

from zoo.generation.batch import Completion
from zoo.generation.generate import ROWS
from zoo.generation.text_generator import TextGenerator
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file, name_in_errors


def generate_file(
    generator: TextGenerator,
    records: Sequence[dict[str, Any]],
    output: str | Path,
    description: str,
    lines: Callable[[dict[str, Any], list[Completion]], list[str]],
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Resumable batch generation: write a file with the `lines(record, completions)` of each record, in order.

    Args:
        generator: the `zoo.generation.text_generator.TextGenerator`.
        records: as `generator.objective` makes them.
        output: path of a new file.
        description: all that the texts depend on beside the records; a run resumes one with the same description.
        lines: returns the lines of a record, without line breaks.
        should_stop: is called every few tokens; True ends the run, which the same call resumes later.

    Raises UserError where the file exists, `<output>.partial` is of another run, or a prompt is refused;
    KeyboardInterrupt where `should_stop` ended the run.
    """
    output = Path(output)
    if output.exists():
        raise UserError(f"Expected the path of a new file. Received: {output}, which exists.")
    lengths = generator.prompt_lengths(records)
    order = sorted(range(len(records)), key=lambda i: -lengths[i])
    journal = _Journal(output.with_name(f"{output.name}.partial"), f"{description}\n{records}")
    batches = [order[start : start + ROWS] for start in range(0, len(order), ROWS)]
    done = len(journal.batches)
    display = {"console": console, "transient": True, "disable": not console.is_terminal}
    for indices in track(batches[done:], "texts", len(batches), done, **display):
        completions = generator.generate([records[i] for i in indices], should_stop)
        if should_stop():
            console.print(f"{done * ROWS} of {len(records)} texts are in {journal.path}: the same command continues.")
            raise KeyboardInterrupt
        journal.add([lines(records[i], texts) for i, texts in zip(indices, completions, strict=True)])
        done += 1
    lines_of = dict(zip(order, chain.from_iterable(journal.batches), strict=True))
    with atomic_file(output, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for i in range(len(records)) for line in lines_of[i])
    journal.path.unlink()


class _Journal:
    """The journal of finished batches: a file of JSON lines, of which the first identifies the run."""

    def __init__(self, path, description):
        self.path, key = path, hashlib.sha256(description.encode("utf-8", "backslashreplace")).hexdigest()
        with name_in_errors(path):
            complete = [line for line in _read(path).splitlines(keepends=True) if line.endswith(b"\n")]
            if complete and json.loads(complete[0]) != key:
                raise UserError(
                    f"Expected the options and prompts of the run that began {path}. Received: other ones. Delete it, "
                    "or choose another output."
                )
            self.batches = [json.loads(line) for line in complete[1:]]
            if path.exists():
                os.truncate(path, sum(map(len, complete)))
            if not complete:
                self._append(key)

    def add(self, batch):
        self.batches.append(batch)
        self._append(batch)

    def _append(self, value):
        with name_in_errors(self.path), self.path.open("ab") as file:
            file.write(json.dumps(value).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _read(path):
    return path.read_bytes() if path.exists() else b""
