"""Resumable batch generation: thousands of prompts into one file, resumed after an interruption.

Finished batches are lines of `<output>.partial`: a batch is stored completely or not at all. Batches and sampled texts
are the same however often a run is interrupted.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from rich.progress import track

from zoo.data.tokenization import in_chunks
from zoo.generation.batch import Completion
from zoo.generation.batch_rows import max_rows
from zoo.generation.generation_journal import GenerationJournal
from zoo.generation.text_generator import TextGenerator
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file, follow_link


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

    Raises UserError where the file exists, `<output>.partial` is of another run, damaged or in use by another process,
    or a prompt is refused; KeyboardInterrupt where `should_stop` ended the run.
    """
    output = follow_link(output)
    _check_new(output)
    lengths, repeats = generator.prompt_lengths(records)
    order = sorted(range(len(records)), key=lambda i: -lengths[i])
    path = output.with_name(f"{output.name}.partial")
    with GenerationJournal(path, f"{description}\n{records}", len(order)) as journal:
        _check_new(output)  # the process that had locked the journal may have finished
        done = sum(map(len, journal.batches))
        batches = list(in_chunks(order[done:], max_rows()))
        display = {"console": console, "transient": True, "disable": not console.is_terminal}
        for indices in track(batches, "batches", **display):
            batch = [records[i] for i in indices]
            completions = generator.generate(batch, should_stop, [repeats[i] for i in indices])
            if should_stop():
                console.print(f"{done} of {len(records)} texts are in {path}: the same command continues.")
                raise KeyboardInterrupt
            journal.add([lines(records[i], rows) for i, rows in zip(indices, completions, strict=True)])
            done += len(indices)
        lines_of = dict(zip(order, chain.from_iterable(journal.batches), strict=True))
        with atomic_file(output, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for i in range(len(records)) for line in lines_of[i])
        path.unlink()


def _check_new(output):
    if output.exists():
        raise UserError(f"Expected the path of a new file. Received: {output}, which exists.")
