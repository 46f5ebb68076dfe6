"""Examples on disk: tokenised once, kept beside the run under their content's hash, read through a memory map.

A folder holds one `<key>.bin` (all rows end to end) and one `<key>.ends.npy` a key, and `keys.json` with their types.
It is written under another name and renamed when complete, so a folder that is there is whole.
"""

import hashlib
import json
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np

from zoo.files import whole_folder

CHUNK = 4096  # records tokenised at a time: bounds the memory, and keeps all cores busy


class Examples:
    """Rows of named 1-D arrays in a folder that `write` made.

    `lengths` is (rows,) int64: ids in the longest of a row's input arrays.
    """

    def __init__(self, folder, inputs):
        self.folder = Path(folder)
        types = json.loads((self.folder / "keys.json").read_text())
        self.ends = {key: np.load(self.folder / f"{key}.ends.npy") for key in types}
        self.values = {key: self._values(key, kind) for key, kind in types.items()}
        self.inputs = [name for name in inputs if name in types]
        self.lengths = np.max([np.diff(self.ends[name], prepend=0) for name in self.inputs], axis=0)

    def __len__(self):
        return len(self.lengths)

    def _values(self, key, kind):
        path = self.folder / f"{key}.bin"
        return np.memmap(path, kind, "r") if path.stat().st_size else np.zeros(0, kind)

    def row(self, key, index):
        """The 1-D array of one row."""
        start = self.ends[key][index - 1] if index else 0
        return self.values[key][start : self.ends[key][index]]

    def batch(self, indices, length):
        """{key: (rows, length or the row's own size) array}: inputs are padded with 0 up to `length` ids."""
        return pad([{key: self.row(key, i) for key in self.values} for i in indices], self.inputs, length)


def pad(rows, inputs, length):
    """Stack dicts of 1-D arrays; those named in `inputs` are right-padded with 0 to `length` ids."""
    batch = {key: np.zeros((len(rows), length), "int32") for key in inputs}
    for key in inputs:
        for place, row in zip(batch[key], rows, strict=True):
            place[: len(row[key])] = row[key]
    return batch | {key: np.stack([row[key] for row in rows]) for key in rows[0] if key not in inputs}


def write(folder, rows):
    """Write an iterable of dicts of 1-D arrays, all with the same keys, without holding more than one."""
    files, ends, types = {}, {}, {}
    with whole_folder(folder) as partial, ExitStack() as stack:
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


def prepare(dataset, split, objective, tokenizer, inputs, cache):
    """Examples of one split, tokenised unless a folder in `cache` already holds just these."""
    parts = (dataset.fingerprint(split), split, repr(objective), tokenizer.rust.to_str(), repr(inputs))
    folder = Path(cache) / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    if not folder.is_dir():
        chunks = in_chunks(dataset.records(split))
        write(folder, (row for records in chunks for row in objective.examples(records, tokenizer)))
    return Examples(folder, inputs)


def in_chunks(records):
    """Lists of up to `CHUNK` records."""
    records = iter(records)
    while chunk := list(islice(records, CHUNK)):
        yield chunk
