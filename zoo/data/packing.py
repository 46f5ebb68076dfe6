"""Example packing: several examples in one row of token ids, so that little is wasted on padding.

Krell et al. 2021, https://arxiv.org/abs/2107.02027, pack BERT's sequences so. Rows are filled first-fit decreasing: the
longest examples first, each into the first row with room. `zoo.transforms.packed` makes a network of packed rows.
"""

import bisect

import numpy as np

from zoo.data.examples import OPTIONAL
from zoo.runtime.errors import UserError


class PackedExamples:
    """Examples as `zoo.data.examples.Examples` are, but each is a row of `room` ids with several of them in it.

    Args:
        twin: the model that reads them, which `packed` drew.

    Raises UserError where an example is longer than a row.
    """

    def __init__(self, examples, twin, room):
        self.examples, self.frame, self.room = examples, examples.frame, room
        longest = int(examples.sizes.max())
        if longest > room:
            raise UserError(
                f"Expected training.packed_length, ids in a row, to be at least the longest, {longest}. Received: {room}."
            )
        self.rows = pack_first_fit(examples.sizes, room)
        self.most = max(map(len, self.rows))
        self.wanted = [name for name in twin.input if name not in self.frame.inputs]
        self.used = np.array([examples.sizes[row].sum() for row in self.rows])

    def __len__(self):
        return len(self.rows)

    def shapes(self, longest):
        """(rows, inputs) lengths of rows: all have the same."""
        return np.full((len(self.rows), len(self.frame.inputs)), self.room)

    def row(self, key, index):
        """The 1-D array of one example."""
        return self.examples.row(key, index)

    def batch(self, indices, shape):
        """As `Examples.batch`, with what the twin reads of example ids and positions.

        Keys with one array for each example become (rows, examples, size) arrays, and `examples` says which are there.
        """
        rows = [[self._example(i) for i in self.rows[n]] for n in indices]
        running = [key for key in (*self.frame.inputs, *self.frame.per_token) if key in rows[0][0]]
        batch = self.frame.pad([{key: np.concatenate([p[key] for p in row]) for key in running} for row in rows], shape)
        batch |= {key: self._stack(rows, key) for key in rows[0][0] if key not in (*running, *OPTIONAL)}
        if "examples" in self.wanted:
            batch["examples"] = np.array([np.arange(self.most) < len(row) for row in rows], "int32")
        return batch | {name: self._counted(rows, *name.split("_of_")) for name in self.wanted if "_of_" in name}

    def _example(self, index):
        return {key: self.examples.row(key, index) for key in self.examples.values}

    def _stack(self, rows, key):
        arrays = np.zeros((len(rows), self.most, len(rows[0][0][key])), rows[0][0][key].dtype)
        for place, row in zip(arrays, rows, strict=True):
            place[: len(row)] = [part[key] for part in row]
        return arrays

    def _counted(self, rows, kind, text):
        """Example ids or positions of a text, (rows, room), 0 at padding."""
        found = np.zeros((len(rows), self.room), "int32")
        for place, row in zip(found, rows, strict=True):
            sizes = [len(part[text]) for part in row]
            counts = [np.full(n, i + 1) if kind == "example_ids" else np.arange(n) for i, n in enumerate(sizes)]
            place[: sum(sizes)] = np.concatenate(counts)
        return found


def pack_first_fit(sizes, room):
    """Lists of the numbers of examples that go into each row of `room` ids.

    Args:
        sizes: (examples, inputs) ids of each; every input has a row of its own.
    """
    order = np.argsort(-sizes.max(axis=1), kind="stable")
    rows, free = [], []  # `free`: ids left in the fullest input of each row, ascending, with the row's number
    left = {}
    for example in order:
        need = sizes[example]
        place = bisect.bisect_left(free, (int(need.max()), -1))
        while place < len(free) and (left[free[place][1]] < need).any():
            place += 1
        number = free.pop(place)[1] if place < len(free) else len(rows)
        if number == len(rows):
            rows.append([])
            left[number] = np.full(len(need), room)
        rows[number].append(int(example))
        left[number] = left[number] - need
        bisect.insort(free, (int(left[number].min()), number))
    return rows
