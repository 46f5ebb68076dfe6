"""A file of unit vectors, .npy of float16, whose rows are written in any order."""

from pathlib import Path
from typing import IO

import numpy as np

TYPE = np.dtype("float16")


class VectorWriter:
    """Writes unit vectors as rows of a .npy file. Not by a memory map: on a full disk that would end the process.

    Args:
        file: a new file, open for writing.
        count: rows of the file.
    """

    def __init__(self, file: IO[bytes], count: int) -> None:
        self.file, self.count, self.begin = file, count, 0

    def write(self, row: int, vectors: np.ndarray) -> None:
        """Write vectors, (n, width), from `row` on, divided by their lengths."""
        vectors = np.ascontiguousarray(unit(vectors).astype(TYPE))
        if not self.begin:
            self._write_header(vectors.shape[1])
        self.file.seek(self.begin + row * vectors.shape[1] * TYPE.itemsize)
        self.file.write(vectors.data)

    def _write_header(self, width):
        header = {"descr": np.lib.format.dtype_to_descr(TYPE), "fortran_order": False, "shape": (self.count, width)}
        np.lib.format.write_array_header_1_0(self.file, header)
        self.begin = self.file.tell()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors, (..., width), divided by their lengths: float32."""
    vectors = vectors.astype("float32")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def has_rows(path: Path, count: int) -> bool:
    """Whether there is a complete file of `count` vectors."""
    try:
        return len(np.load(path, mmap_mode="r")) == count
    except (OSError, ValueError):  # absent; shorter than its header says
        return False
