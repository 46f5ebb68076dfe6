"""`python -m zoo.pipeline.prediction_worker FOLDER SUFFIX [MODULE ...]`: predict chunks of rows for a `WorkerPool`.

Standard input holds pickled lists of rows, one after the other; for each, standard output gets a pickled pair:
("chunk", an `EncodedChunk`), ("user error", its line) or ("bug", its traceback). The process ends when its input ends.
"""

import os
import pickle
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from zoo.runtime.console import silence
from zoo.runtime.errors import user_message
from zoo.runtime.plugins import import_plugin


def main(folder: str, suffix: str, *modules: str) -> None:
    """Answer each list of rows on standard input."""
    output = _take_output()
    requests: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_read, args=(requests,), daemon=True).start()
    for kind, value in _answers(requests, folder, suffix, modules):
        pickle.dump((kind, value), output)
        output.flush()


def _take_output() -> IO[bytes]:
    """Standard output, which from now on is standard error: a library may print."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _read(requests):
    try:
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    finally:  # the process that started this one has ended, or ends it
        os._exit(0)


def _answers(requests, folder, suffix, modules) -> Iterator[tuple[str, Any]]:
    try:
        with silence():
            from zoo.pipeline.model_folder import load
            from zoo.pipeline.prediction_chunk import encode_chunk
        for module in modules:
            import_plugin(module)
        pipeline = load(Path(folder))
        while True:
            yield "chunk", encode_chunk(pipeline, suffix, requests.get())
    except Exception as error:
        message = user_message(error)
        yield ("user error", message) if message else ("bug", traceback.format_exc())


if __name__ == "__main__":
    main(*sys.argv[1:])
