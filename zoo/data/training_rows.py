"""Training rows by hash: which records of an evaluation a model was trained on."""

import hashlib
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.readers._reader import digest_files


def hash_texts(texts: Iterable[str]) -> int:
    """A 64-bit hash of the texts of a record; 0 for blank texts, which tell no records apart."""
    joined = "\x1f".join(texts)
    digest = hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") if joined.strip("\x1f \t\r\n") else 0


def no_rows() -> np.ndarray:
    """No hashes: of a model whose training rows are unknown."""
    return np.zeros(0, "uint64")


def unique_hashes(hashes: Iterable[int]) -> np.ndarray:
    """The different hashes without 0, sorted, (rows,) uint64: 8 bytes a row, as in training_rows.npy."""
    values = np.unique(np.array(array("Q", hashes), "uint64"))
    return values[values > 0]


def is_same_data(spec: str, other: str) -> bool:
    """Whether two dataset specs without #SPLIT are the same: equal, the same path, or files of the same bytes."""
    paths = Path(spec), Path(other)
    if spec == other or not all(path.exists() for path in paths):
        return spec == other
    if paths[0].samefile(paths[1]):
        return True
    if not all(path.is_file() for path in paths) or paths[0].stat().st_size != paths[1].stat().st_size:
        return False
    return digest_files(paths[0]) == digest_files(paths[1])
