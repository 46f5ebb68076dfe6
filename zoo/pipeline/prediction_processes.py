"""Data-parallel batch inference: chunks of rows are predicted by several processes, each with its own model.

A process uses its cores badly where most of its time is Python, as with small networks: two processes on two cores then
take about half the time. Large networks keep all cores busy from one process.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from zoo import backend
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.prediction_chunk import EncodedChunk, Row, encode_chunk
from zoo.pipeline.worker_pool import WorkerPool
from zoo.runtime.cores import available_cores
from zoo.runtime.errors import UserError
from zoo.runtime.free_memory import available_memory, process_memory

TRIAL = 20.0  # seconds in one process: more than it takes to start others
BUSY = 0.7  # of the cores: a process that uses more of them is as quick alone


def encode(
    pipeline: Pipeline,
    chunks: Iterable[list[Row]],
    suffix: str,
    processes: int | None = None,
    modules: tuple[str, ...] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[EncodedChunk]:
    """Yield chunks of rows with their answers, encoded for a file with that suffix, in order.

    Args:
        processes: their number. None: this one alone for `TRIAL` seconds; where more work is left, and `BUSY` says that
            cores are idle, one for each core after that, as far as memory suffices.
        modules: register custom classes, in each process.
        should_stop: is called after each chunk; True ends the iteration when the chunks at hand are done.

    Raises UserError for an unsuitable row, and where a process ended twice at the same rows.
    """
    chunks = iter(chunks)
    if processes is None:
        yield from _alone(pipeline, chunks, suffix, should_stop)
        processes = suitable_processes()
    if should_stop() or (first := next(chunks, None)) is None:
        return
    chunks = chain([first], chunks)
    if processes == 1:
        for chunk in chunks:
            yield encode_chunk(pipeline, suffix, chunk)
            if should_stop():
                return
    else:
        with WorkerPool(_folder_of(pipeline), suffix, processes, modules) as pool:
            yield from pool.encode(chunks, should_stop)


def suitable_processes() -> int:
    """One process for each core, or fewer where memory is short: each takes as much as this one."""
    size, left = process_memory(), available_memory()
    fit = left // size if size and left is not None else available_cores()
    return max(1, min(available_cores(), fit))


def _alone(pipeline, chunks, suffix, should_stop):
    """Chunks that are predicted in this process, until others would help."""
    cores = available_cores()
    useful = cores > 1 and pipeline.folder is not None and not backend.has_accelerator()
    start = None
    for chunk in chunks:
        yield encode_chunk(pipeline, suffix, chunk)
        if should_stop():
            return
        start = start or (time.monotonic(), time.process_time())  # after the first chunk, which compiles
        seconds, cpu_seconds = time.monotonic() - start[0], time.process_time() - start[1]
        if useful and seconds > TRIAL and cpu_seconds < BUSY * cores * seconds:
            return


def _folder_of(pipeline):
    if pipeline.folder is None:
        raise UserError("Expected a model that was saved or loaded, for several processes. Received: one in memory.")
    return pipeline.folder
