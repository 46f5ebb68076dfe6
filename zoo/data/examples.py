"""Examples on disk: tokenised once, kept beside the run under their content's hash, read through a memory map.

A folder holds one `<key>.bin` (all rows end to end) and one `<key>.ends.npy` a key, and `keys.json` with their types.
It is written under another name and renamed when complete, so a folder that is there is whole.
"""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from zoo.backend.shapes import bucket
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder

CHUNK = 4096  # records tokenised at a time: bounds the memory, and keeps all cores busy
TEXTS = ("tokens", "source", "target")  # inputs that are texts
OPTIONAL = ("segments",)  # keys that only some networks read; zeros where examples lack them
IGNORE = -1  # where an aligned key has nothing to say


@dataclass(frozen=True)
class Collator:
    """How rows of arrays of different sizes become arrays of one batch."""

    inputs: tuple  # names of the network's inputs: filled up with `padding`
    per_token: tuple = ()  # keys with one number for each token that is read or written: filled up with `IGNORE`
    padding: int = 0  # the token id that stands for nothing

    @classmethod
    def of(cls, model, objective, tokenizer, keys):
        """The frame of rows with such `keys`, for a `keras.Model` with an objective's head."""
        inputs = (name for name in model.input if name in keys or name in OPTIONAL)
        return cls(
            tuple(name for name in inputs if name not in objective.per_token), objective.per_token, tokenizer.padding
        )

    def sizes(self, row):
        """Ids in each input of a row."""
        return [len(row[name if name in row else self.inputs[0]]) for name in self.inputs]

    def pad(self, rows, shape):
        """{key: array} of rows (dicts of 1-D arrays): inputs as long as `shape` says, one number for each of them."""
        batch = {name: self._pad(rows, name, size) for name, size in zip(self.inputs, shape, strict=True)}
        time = batch[[name for name in self.inputs if name in TEXTS][-1]].shape[1]
        batch |= {key: _fill(rows, key, time, IGNORE) for key in self.per_token if key in rows[0]}
        rest = [key for key in rows[0] if key not in batch and key not in OPTIONAL]
        return batch | {key: np.stack([row[key] for row in rows]) for key in rest}

    def _pad(self, rows, name, size):
        missing = name not in rows[0]
        return np.zeros((len(rows), size), "int32") if missing else _fill(rows, name, size, self._filler(name))

    def _filler(self, name):
        return 0 if name in OPTIONAL else self.padding


def _fill(rows, key, size, filler):
    array = np.full((len(rows), size), filler, "int32")
    for place, row in zip(array, rows, strict=True):
        place[: len(row[key])] = row[key]
    return array


class ArrayStore:
    """The rows of named 1-D arrays in a folder that `write` made."""

    def __init__(self, folder):
        self.folder, types = Path(folder), key_types(folder)
        self.ends = {key: np.load(self.folder / f"{key}.ends.npy") for key in types}
        self.values = {key: self._values(key, kind) for key, kind in types.items()}

    def _values(self, key, kind):
        path = self.folder / f"{key}.bin"
        return np.memmap(path, kind, "r") if path.stat().st_size else np.zeros(0, kind)

    def row(self, key, index):
        """The 1-D array of one row."""
        start = self.ends[key][index - 1] if index else 0
        return self.values[key][start : self.ends[key][index]]


class Examples(ArrayStore):
    """Rows that are examples to learn from.

    `sizes` is (rows, inputs) int64: ids in each of a row's input arrays.
    """

    def __init__(self, folder, frame):
        super().__init__(folder)
        self.frame = frame
        lengths = {key: np.diff(ends, prepend=0) for key, ends in self.ends.items()}
        first = lengths[frame.inputs[0]]
        self.sizes = np.stack([lengths.get(name, first) for name in frame.inputs], axis=1)

    def __len__(self):
        return len(self.sizes)

    @property
    def used(self):
        """(rows,) ids in all of a row's inputs."""
        return self.sizes.sum(axis=1)

    def shapes(self, longest):
        """(rows, inputs) lengths that a row may be padded to: `bucket`s of its sizes."""
        return bucket(self.sizes, longest)

    def batch(self, indices, shape):
        """{key: (rows, size) array}: inputs are padded to the sizes in `shape`, in the order of the frame's inputs."""
        return self.frame.pad([{key: self.row(key, i) for key in self.values} for i in indices], shape)


def key_types(folder):
    """{key: type of its numbers} in a folder that `write` made."""
    return json.loads((Path(folder) / "keys.json").read_text())


def write(folder, rows):
    """Write an iterable of dicts of 1-D arrays, all with the same keys, without holding more than one."""
    files, ends, types = {}, {}, {}
    with atomic_folder(folder) as partial, ExitStack() as stack:
        for row in rows:
            for key, value in row.items():
                if key not in files:
                    files[key] = stack.enter_context((partial / f"{key}.bin").open("wb"))
                    ends[key], types[key] = [0], value.dtype.str
                files[key].write(value.tobytes())
                ends[key].append(ends[key][-1] + len(value))
        for key in files:
            np.save(partial / f"{key}.ends.npy", np.array(ends[key][1:], "int64"))
        (partial / "keys.json").write_text(json.dumps(types))


def prepare(dataset, split, objective, tokenizer, model, cache):
    """Examples of one split, tokenised unless a folder in `cache` already holds just these.

    Raises UserError where the records of the split give no example at all.
    """
    parts = (dataset.fingerprint(split), split, repr(objective), tokenizer.backend.to_str())
    folder = Path(cache) / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    if not folder.is_dir():
        chunks = in_chunks(dataset.records(split))
        write(folder, (row for records in chunks for row in objective.examples(records, tokenizer)))
    keys = key_types(folder)
    if not keys:
        raise UserError(f"Expected text to learn from in {dataset.describe(split)}. Received: no example at all.")
    return Examples(folder, Collator.of(model, objective, tokenizer, keys))


def in_chunks(records):
    """Lists of up to `CHUNK` records."""
    records = iter(records)
    while chunk := list(islice(records, CHUNK)):
        yield chunk
