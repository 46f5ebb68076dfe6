"""A pool of worker processes for batch inference: each has loaded the model once, and predicts chunks of rows."""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

import keras

from zoo.pipeline.prediction_chunk import EncodedChunk, Row
from zoo.runtime.console import console
from zoo.runtime.cores import THREADS, available_cores
from zoo.runtime.errors import UserError
from zoo.runtime.exit_status import describe_exit

AHEAD = 2  # chunks in memory for each process: the one at hand, and the next
MODULE = "zoo.pipeline.prediction_worker"


class WorkerDiedError(Exception):
    """A worker process has ended before its answer. Its message says how."""


class Worker:
    """A process that predicts chunks, one after the other: see `zoo.pipeline.prediction_worker`.

    Ctrl-C of a terminal does not reach it. It ends when this process ends, however that happens.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, env=environment, process_group=0, **pipes)

    def encode(self, rows: list[Row]) -> EncodedChunk:
        """The encoded chunk of rows.

        Raises UserError for an unsuitable row, WorkerDiedError where the process has ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump(rows, self._process.stdin)
            self._process.stdin.flush()
            kind, value = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise WorkerDiedError(describe_exit(self._process.wait())) from None
        if kind == "user error":
            raise UserError(value)
        if kind == "bug":
            raise RuntimeError(f"A worker process failed:\n{value}")
        return value

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes the pipes, and waits
            pass


class WorkerPool:
    """Workers of a model folder, for a `with` statement that ends them.

    Args:
        folder: the model folder.
        suffix: of the prediction file.
        count: most processes, each with its share of the cores.
        modules: register custom classes.
    """

    def __init__(self, folder: Path, suffix: str, count: int, modules: tuple[str, ...] = ()) -> None:
        self._command = [sys.executable, "-m", MODULE, str(folder.absolute()), suffix, *modules]
        self._environment = worker_environment(max(1, available_cores() // count))
        self._count, self._executor = count, ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._workers: list[Worker] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closed = True
        for worker in self._workers:
            worker.kill()
        self._executor.shutdown(cancel_futures=True)
        for worker in self._workers:  # those that a thread had just started
            worker.kill()

    def encode(
        self, chunks: Iterable[list[Row]], should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[EncodedChunk]:
        """Yield the encoded chunks in order; after `should_stop`, those that are at hand.

        Raises UserError for an unsuitable row, and where a process ended twice at the same rows.
        """
        pending: deque[Future[EncodedChunk]] = deque()
        for chunk in chunks:
            pending.append(self._executor.submit(self._encode, chunk))
            if len(pending) >= AHEAD * self._count:
                yield pending.popleft().result()
            if should_stop():
                break
        for future in reversed(pending):
            if should_stop():
                future.cancel()
        while pending:
            future = pending.popleft()
            if future.cancelled():
                return
            yield future.result()

    def _encode(self, rows):
        try:
            return self._encode_once(rows)
        except WorkerDiedError as end:
            if self._closed:
                raise
            console.print(f"A worker process ended ({end}): its {len(rows):,} rows are predicted again.")
        try:
            return self._encode_once(rows)
        except WorkerDiedError as end:
            raise UserError(
                f"Expected a worker process to predict {len(rows):,} rows, the first of which is {rows[0][0]!r:.80}. "
                f"Received: its end, twice ({end}). Fewer --processes need less memory."
            ) from None

    def _encode_once(self, rows):
        worker = self._idle_worker()
        encoded = worker.encode(rows)  # a worker that raised an error is not used again
        self._idle.put(worker)
        return encoded

    def _idle_worker(self):
        try:
            return self._idle.get_nowait()
        except Empty:
            if self._closed:
                raise WorkerDiedError("the pool is closed") from None
            worker = Worker(self._command, self._environment)
            self._workers.append(worker)
            return worker


def worker_environment(cores: int) -> dict[str, str]:
    """The environment of a process with the backend of this one that uses at most `cores` cores."""
    threads = {name: str(min(cores, _number(os.environ.get(name)) or cores)) for name in THREADS}
    path = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return os.environ | threads | {"KERAS_BACKEND": keras.config.backend(), "PYTHONPATH": path}


def _number(text):
    return int(text) if text and text.isdecimal() else 0
