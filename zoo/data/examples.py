"""Tokenised examples on disk: written once as a stream, read through a memory map, so memory does not grow with them.

A folder holds for each key `<key>.bin`, all rows end to end, and `<key>.ends`, the int64 end of each row; and
`keys.json` with the dtypes. The folder appears under its name only when it is complete.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from zoo.backend.shapes import bucket
from zoo.data.collate import Collator, Example
from zoo.runtime.files import atomic_folder

ENDS = np.dtype("<i8")


class ArrayWriter:
    """Appends rows of named 1-D arrays to the files of a folder; every row has the same keys."""

    def __init__(self, folder: Path):
        self._folder, self._stack = folder, ExitStack()
        self._files, self._sizes, self._types = {}, {}, {}
        self.rows = 0

    def add(self, row: Mapping[str, np.ndarray]) -> None:
        """Append one row."""
        for key, array in row.items():
            if key not in self._files:
                self._open(key, array.dtype)
            values, ends = self._files[key]
            values.write(array.tobytes())
            self._sizes[key] += len(array)
            ends.write(self._sizes[key].to_bytes(ENDS.itemsize, "little"))
        self.rows += 1

    def _open(self, key, dtype):
        paths = (self._folder / f"{key}.{kind}" for kind in ("bin", "ends"))
        self._files[key] = [self._stack.enter_context(path.open("wb")) for path in paths]
        self._sizes[key], self._types[key] = 0, dtype.str

    def close(self) -> None:
        """Close all files, after writing the names and dtypes of the keys."""
        self._stack.close()
        (self._folder / "keys.json").write_text(json.dumps(self._types))


@contextmanager
def array_writer(folder: Path) -> Iterator[ArrayWriter]:
    """An `ArrayWriter` of an existing folder, closed at the end of the block."""
    writer = ArrayWriter(folder)
    with writer._stack:
        yield writer
        writer.close()


def save(folder: str | Path, rows: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Save rows of named 1-D arrays, all with the same keys, into a new folder, holding one row at a time."""
    with atomic_folder(folder) as partial, array_writer(partial) as writer:
        for row in rows:
            writer.add(row)


def key_types(folder: str | Path) -> dict[str, str]:
    """{key: dtype} of the arrays in a folder that `save` made."""
    return json.loads((Path(folder) / "keys.json").read_text())


class ArrayStore:
    """Memory-mapped rows of named 1-D arrays, in a folder that `save` made."""

    def __init__(self, folder: str | Path):
        folder, types = Path(folder), key_types(folder)
        self.ends = {key: _memory_map(folder / f"{key}.ends", ENDS) for key in types}
        self.values = {key: _memory_map(folder / f"{key}.bin", dtype) for key, dtype in types.items()}

    def __len__(self) -> int:
        return len(next(iter(self.ends.values()))) if self.ends else 0

    def row(self, key: str, index: int) -> np.ndarray:
        """The 1-D array of one row."""
        start = self.ends[key][index - 1] if index else 0
        return self.values[key][start : self.ends[key][index]]

    def example(self, index: int) -> Example:
        """The arrays of one row by key."""
        return {key: self.row(key, index) for key in self.values}

    def sizes_of(self, key: str) -> np.ndarray:
        """(rows,) int32: the size of each row of a key."""
        ends = self.ends[key]
        return np.diff(ends, prepend=ends.dtype.type(0)).astype("int32")


def _memory_map(path, dtype):
    if not path.stat().st_size:
        return np.zeros(0, dtype)
    return np.asarray(np.memmap(path, dtype, "r"))  # rows of a plain array are read in a sixth of the time


class Examples(ArrayStore):
    """Training examples: an `ArrayStore` with a `Collator`.

    `sizes` is (rows, inputs) int32, the number of ids in each of a row's inputs.
    """

    def __init__(self, folder: str | Path, collator: Collator):
        super().__init__(folder)
        self.collator = collator
        inputs = [name if name in self.ends else collator.inputs[0] for name in collator.inputs]
        self.sizes = np.stack([self.sizes_of(name) for name in inputs], axis=1)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) number of ids in all of a row's inputs."""
        return self.sizes.sum(axis=1)

    def shapes(self, longest: int) -> np.ndarray:
        """(rows, inputs) lengths that each row may be padded to: the `bucket` of its sizes."""
        return bucket(self.sizes, longest)

    def batch(self, indices: Collection[int], shape: Iterable[int]) -> dict[str, np.ndarray]:
        """{key: (rows, size) array}: the collated rows, inputs padded to `shape`, in the order of the inputs."""
        return self.collator.pad([self.example(i) for i in indices], shape)
