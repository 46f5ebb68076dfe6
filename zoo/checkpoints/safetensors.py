"""Tensors in safetensors files (https://huggingface.co/docs/safetensors), read one by one through memory maps."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

from zoo.runtime.errors import UserError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TYPES = {
    **{"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16},
    **{"I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_},
}
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PIECE = 2**21  # numbers of a tensor that are looked at together
LONGEST = 100_000_000  # bytes of a header: the format's own limit


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies."""

    path: Path
    kind: type
    shape: tuple
    start: int  # bytes from the beginning of the file

    def pieces(self, first, last):
        """Yield (row, array of the rows from there on) for all rows from `first` to `last`, a few MB at a time.

        The memory of an array is the file's, so that it costs none once it has been read.
        """
        size = math.prod(self.shape[1:])
        step = max(1, PIECE // max(1, size))
        for row in range(first, last if size else first, step):
            shape = (min(step, last - row), *self.shape[1:])
            yield (
                row,
                np.memmap(self.path, self.kind, "r", self.start + row * size * np.dtype(self.kind).itemsize, shape),
            )


def find(folder):
    """{name: `Tensor`} of all safetensors of a model's folder, in one file or in the several that an index names.

    Raises UserError, naming the file, where there is none, one is truncated or absent, or there are pickles only.
    """
    folder = Path(folder)
    if (folder / SINGLE).is_file():
        return read_header(folder / SINGLE)
    if not (folder / INDEX).is_file():
        raise UserError(_none(folder))
    names, found = _index(folder / INDEX), {}
    for file in sorted(set(names.values())):
        if not (folder / file).is_file():
            raise UserError(f"{folder / INDEX} names {file}, which is not there. Copy the whole folder again.")
        found |= read_header(folder / file)
    missing = sorted(set(names) - set(found))
    if missing:
        raise UserError(f"{folder / INDEX} names tensors that no file holds: {', '.join(missing[:3])}.")
    return found


def read_header(path):
    """{name: `Tensor`} of one safetensors file. Raises UserError where the file is not whole."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, LONGEST)))
        header.pop("__metadata__", None)
        found = {name: _place(path, size + 8, **entry) for name, entry in header.items()}
        whole = path.stat().st_size == size + 8 + max((e["data_offsets"][1] for e in header.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise UserError(f"Expected a whole safetensors file. Received: {path}, which is truncated or damaged.")
    return found


def _place(path, start, dtype, shape, data_offsets):
    kind, (first, last) = TYPES[dtype], data_offsets
    if last - first != math.prod(shape) * np.dtype(kind).itemsize:
        raise UserError("a tensor's shape and size differ")
    return Tensor(path, kind, tuple(shape), start + first)


def _index(path):
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["weight_map"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"Expected the index of safetensors files. Received: {path}, which is damaged.") from error


def _none(folder):
    pickles = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
    if pickles:
        return (
            f"Expected {SINGLE} in {folder}. Received: only {', '.join(pickles[:3])}, pickles, which may run any code "
            "when read. Save the model as safetensors."
        )
    return f"Expected {SINGLE} in {folder}. Received: {'no such file' if folder.is_dir() else 'no such folder'}."
