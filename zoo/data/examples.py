"""Tokenised examples on disk: written once as a stream, read through a memory map, so memory does not grow with them.

A folder holds for each key `<key>.bin`, all rows end to end, and `<key>.ends`, the int64 end of each row; and
`keys.json` with the dtype and the checksums (CRC-32) of each key. The folder appears under its name only when it is
complete; one that was damaged later is found by `is_intact`.
"""

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zoo.backend.shapes import bucket
from zoo.data.collate import Collator, Example
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder

ENDS = np.dtype("<i8")
NUMBERS = "biuf"  # of the dtypes: booleans, integers, floats
KEYS = "keys.json"
BLOCK = 2**22  # bytes read at a time


class ArrayWriter:
    """Appends rows of named 1-D arrays to the files of a folder; every row has the same keys."""

    def __init__(self, folder: Path):
        self.folder, self._stack = folder, ExitStack()
        self._files, self._sizes, self._types = {}, {}, {}
        self._checksums: dict[str, list[int]] = {}  # of the values and the ends of each key
        self.rows = 0

    def add(self, row: Mapping[str, np.ndarray]) -> None:
        """Append one row."""
        for key, array in row.items():
            if key not in self._files:
                self._open(key, array.dtype)
            self._sizes[key] += len(array)
            parts = array.tobytes(), self._sizes[key].to_bytes(ENDS.itemsize, "little")
            for index, (file, part) in enumerate(zip(self._files[key], parts, strict=True)):
                file.write(part)
                self._checksums[key][index] = zlib.crc32(part, self._checksums[key][index])
        self.rows += 1

    def _open(self, key, dtype):
        paths = _paths(self.folder, key)
        self._files[key] = [self._stack.enter_context(path.open("wb")) for path in paths]
        self._sizes[key], self._types[key], self._checksums[key] = 0, dtype.str, [0, 0]

    def close(self) -> None:
        """Close all files, after writing the dtypes and checksums of the keys."""
        self._stack.close()
        keys = {key: {"dtype": dtype, "crc32": self._checksums[key]} for key, dtype in self._types.items()}
        (self.folder / KEYS).write_text(json.dumps({"keys": keys, "crc32": _checksum_of(keys)}))


@contextmanager
def array_writer(folder: Path) -> Iterator[ArrayWriter]:
    """An `ArrayWriter` of an existing folder, closed at the end of the block."""
    writer = ArrayWriter(folder)
    with writer._stack:
        yield writer
        writer.close()


def save(folder: str | Path, rows: Iterable[Mapping[str, np.ndarray]], replace: bool = False) -> None:
    """Save rows of named 1-D arrays, all with the same keys, into a folder, holding one row at a time.

    Args:
        replace: whether a folder of that name is replaced; else one that another process wrote meanwhile stays.
    """
    with atomic_folder(folder, replace) as partial, array_writer(partial) as writer:
        for row in rows:
            writer.add(row)


def key_types(folder: str | Path) -> dict[str, np.dtype]:
    """{key: dtype} of the arrays in a folder that `save` made. Raises UserError where keys.json is damaged."""
    return {key: np.dtype(values["dtype"]) for key, values in _keys(Path(folder)).items()}


def is_intact(folder: Path) -> bool:
    """Whether the files of a folder that `save` made have the sizes and checksums with which they were saved."""
    try:
        for key, values in _keys(folder).items():
            if [_checksum(path) for path in _paths(folder, key)] != values["crc32"]:
                return False
    except (OSError, UserError):
        return False
    return True


class ArrayStore:
    """Memory-mapped rows of named 1-D arrays, in a folder that `save` made."""

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        types = key_types(folder)
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


def _paths(folder, key):
    return [folder / f"{key}.bin", folder / f"{key}.ends"]


def _keys(folder: Path) -> dict[str, dict[str, Any]]:
    """{key: {"dtype", "crc32"}} of keys.json. Raises UserError where it is damaged, or names files elsewhere."""
    path = folder / KEYS
    try:
        content = json.loads(path.read_text())
        keys = content["keys"]
        legal = all(_is_file_name(key) and np.dtype(values["dtype"]).kind in NUMBERS for key, values in keys.items())
        if legal and content["crc32"] == _checksum_of(keys):
            return keys
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise UserError(f"Expected names and dtypes of arrays in {path}. Received: a damaged file.")


def _checksum_of(keys):
    return zlib.crc32(json.dumps(keys).encode())


def _is_file_name(key):
    return bool(key) and not key.startswith(".") and Path(key).name == key


def _checksum(path):
    value = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value
