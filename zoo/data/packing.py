"""Example packing: several examples in one row of token ids, so that little is wasted on padding.

As in Krell et al. 2021, https://arxiv.org/abs/2107.02027, for BERT. Rows are filled first-fit decreasing: the
longest examples first, each into the first row with room. `zoo.transforms.packed` makes a network of packed rows.
"""

import bisect
from collections.abc import Collection

import numpy as np

from zoo.data.collate import OPTIONAL
from zoo.runtime.errors import UserError


class PackedExamples:
    """Packed rows with the interface of `zoo.data.examples.Examples`: each has `row_length` ids of several examples.

    Args:
        examples: the `Examples` to pack.
        model: the network of packed rows; its inputs beyond those of the examples are added to a batch.
        row_length: ids in a row.

    Raises UserError where an example is longer than a row.
    """

    def __init__(self, examples, model, row_length: int):
        self.examples, self.collator, self.row_length = examples, examples.collator, row_length
        longest = int(examples.sizes.max())
        if longest > row_length:
            raise UserError(
                f"Expected training.packed_length, ids in a row, to be at least the longest, {longest}. "
                f"Received: {row_length}."
            )
        self.rows = pack_first_fit(examples.sizes, row_length)
        self.most = max(map(len, self.rows))  # examples in a row
        self.extra_inputs = [name for name in model.input if name not in self.collator.inputs]
        self.lengths = np.array([examples.sizes[row].sum() for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def shapes(self, longest: int) -> np.ndarray:
        """(rows, inputs) padded lengths: `row_length` for all rows."""
        return np.full((len(self.rows), len(self.collator.inputs)), self.row_length)

    def row(self, key: str, index: int) -> np.ndarray:
        """The 1-D array of one example."""
        return self.examples.row(key, index)

    def batch(self, indices: Collection[int], shape: Collection[int]) -> dict[str, np.ndarray]:
        """A batch as of `Examples`, with the example ids and positions that the packed network reads.

        Keys with one array for each example become (rows, examples, size) arrays; `example_mask`, (rows, examples), is
        1 where a row has an example.
        """
        rows = [[self.examples.example(i) for i in self.rows[n]] for n in indices]
        per_token = [key for key in (*self.collator.inputs, *self.collator.per_token) if key in rows[0][0]]
        concatenated = [{key: np.concatenate([example[key] for example in row]) for key in per_token} for row in rows]
        batch = self.collator.pad(concatenated, shape)
        batch |= {key: self._stack(rows, key) for key in rows[0][0] if key not in (*per_token, *OPTIONAL)}
        if "example_mask" in self.extra_inputs:
            batch["example_mask"] = np.array([np.arange(self.most) < len(row) for row in rows], "int32")
        return batch | {name: self._ids_of(rows, *name.split("_of_")) for name in self.extra_inputs if "_of_" in name}

    def _stack(self, rows, key):
        arrays = np.zeros((len(rows), self.most, len(rows[0][0][key])), rows[0][0][key].dtype)
        for out, row in zip(arrays, rows, strict=True):
            out[: len(row)] = [example[key] for example in row]
        return arrays

    def _ids_of(self, rows, kind, text):
        """Example ids, from 1 on, or positions within an example, (rows, row_length), of an input; 0 at padding."""
        array = np.zeros((len(rows), self.row_length), "int32")
        for out, row in zip(array, rows, strict=True):
            sizes = [len(example[text]) for example in row]
            counts = [np.full(n, i + 1) if kind == "example_ids" else np.arange(n) for i, n in enumerate(sizes)]
            out[: sum(sizes)] = np.concatenate(counts)
        return array


def pack_first_fit(sizes: np.ndarray, row_length: int) -> list[list[int]]:
    """The indices of the examples of each row of `row_length` ids, by first-fit decreasing bin packing.

    Args:
        sizes: (examples, inputs) number of ids; every input has a row of its own.
    """
    order = np.argsort(-sizes.max(axis=1), kind="stable")
    rows, free = [], []  # `free`: ids left in the fullest input of each row, ascending, with the row's number
    remaining = {}  # row -> (inputs,) ids left in each input
    for example in order:
        size = sizes[example]
        index = bisect.bisect_left(free, (int(size.max()), -1))
        while index < len(free) and (remaining[free[index][1]] < size).any():
            index += 1
        number = free.pop(index)[1] if index < len(free) else len(rows)
        if number == len(rows):
            rows.append([])
            remaining[number] = np.full(len(size), row_length)
        rows[number].append(int(example))
        remaining[number] = remaining[number] - size
        bisect.insort(free, (int(remaining[number].min()), number))
    return rows
