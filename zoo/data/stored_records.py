"""Records of held-out splits on disk, which are scored after each epoch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.examples import ArrayStore, ArrayWriter

KEY = "record"


class StoredRecords(Sequence[dict]):
    """The records of a split as a sequence, each read from a folder at its access."""

    def __init__(self, folder: Path):
        self._store = ArrayStore(folder)

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, index) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return json.loads(self._store.row(KEY, index % len(self)).tobytes())

    def __iter__(self) -> Iterator[dict]:
        return (self[index] for index in range(len(self)))


def add_record(writer: ArrayWriter, record: Mapping) -> None:
    """Append a record to the files of a `StoredRecords`."""
    writer.add({KEY: np.frombuffer(json.dumps(record).encode(), np.uint8)})
