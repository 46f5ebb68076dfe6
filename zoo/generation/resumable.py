"""Long runs: a file of what is written for thousands of prompts, whole or absent, which goes on where it was cut off.

What is done stands in `<output>.partial`, a line for each batch: so a batch is there as a whole or not at all. Batches
are the same however often a run is cut off, and so are the texts that are drawn.
"""

import hashlib
import json
import os
from pathlib import Path

from rich.progress import track

from zoo.generation.generate import ROWS
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file, name_in_errors


def write_file(author, records, output, about, lines, ended=lambda: False):
    """Write a file with the `lines(record, texts)`, a list of strings, of each of a list of records, in their order.

    Args:
        author: the `zoo.generation.TextGenerator`.
        output: the file, a new one.
        about: what the texts depend on beside the records, as a string: a run goes on where it is the same.
        ended: is asked now and then: True ends the run, which goes on another time.

    Raises UserError where the file is there, one that was begun is of another run, or a record cannot be written on;
    KeyboardInterrupt where the run was ended.
    """
    output = Path(output)
    if output.exists():
        raise UserError(f"Expected a new file to write to. Received: {output}, which is there.")
    sizes = author.sizes(records)
    order = sorted(range(len(records)), key=lambda i: -sizes[i])
    journal = _Journal(output.with_name(f"{output.name}.partial"), f"{about}\n{records}")
    batches = [order[start : start + ROWS] for start in range(0, len(order), ROWS)]
    done = len(journal.found)
    shown = {"console": console, "transient": True, "disable": not console.is_terminal}
    for some in track(batches[done:], "texts", len(batches), done, **shown):
        texts = author.write([records[i] for i in some], ended)
        if ended():
            console.print(f"{done * ROWS} of {len(records)} texts are in {journal.path}: the same command goes on.")
            raise KeyboardInterrupt
        journal.add([lines(records[i], one) for i, one in zip(some, texts, strict=True)])
        done += 1
    found = dict(zip(order, (one for batch in journal.found for one in batch), strict=True))
    with atomic_file(output, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for i in range(len(records)) for line in found[i])
    journal.path.unlink()


class _Journal:
    """The batches that are done, in a file that grows a line at a time."""

    def __init__(self, path, about):
        self.path, key = path, hashlib.sha256(about.encode("utf-8", "backslashreplace")).hexdigest()
        with name_in_errors(path):
            whole = [line for line in _read(path).splitlines(keepends=True) if line.endswith(b"\n")]
            if whole and json.loads(whole[0]) != key:
                raise UserError(
                    f"Expected the settings and prompts that {path} was begun with. Received: others. Delete it, or "
                    "choose another output."
                )
            self.found = [json.loads(line) for line in whole[1:]]
            if path.exists():
                os.truncate(path, sum(map(len, whole)))
            if not whole:
                self._append(key)

    def add(self, batch):
        self.found.append(batch)
        self._append(batch)

    def _append(self, value):
        with name_in_errors(self.path), self.path.open("ab") as file:
            file.write(json.dumps(value).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _read(path):
    return path.read_bytes() if path.exists() else b""
