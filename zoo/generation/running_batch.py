"""The running batch of continuous batching: decoding caches whose rows are filled and freed independently.

Iteration-level scheduling of Orca (Yu et al. 2022, https://www.usenix.org/conference/osdi22/presentation/yu): a text
joins and leaves between two decoding steps. Each row has a slot of its own, which is the position of its next token:
a new text needs no padding before it, and no other row is moved. Arrays have a power of two of rows and of slots, so
that few shapes are compiled.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.backend.shapes import power_of_two
from zoo.transforms.cached_model import CachedModel
from zoo.transforms.per_model import per_model

MIN_LENGTH = 128  # slots of a row: texts that are shorter share one compiled shape
PATIENCE = 32  # steps after which arrays that are twice as large as needed shrink
SLOTS_AXES = 4  # axes of the arrays of a layer with an element for each slot: (rows, heads, slots, width)
LAYOUT = ("positions", "padding_mask")  # parts of a cache that follow from its shape


class DecodingStep:
    """The prefill and the decoding step of a model for continuous batching, compiled once for each shape.

    Attributes:
        network: the model as a `zoo.transforms.cached_model.CachedModel`.
        compilations: how often a function was compiled.
    """

    def __init__(self, model: keras.Model):
        self.network, self.compilations = CachedModel(model), 0
        variables = model.variables
        self.prefill = backend.jit(self._prefill, variables, self._count_compilation, donate=False)
        self.insert = backend.jit(self._insert, variables, self._count_compilation)
        self.decode = backend.jit(
            backend.capture(self._decode, self._count_compilation), variables, self._count_compilation
        )

    def _prefill(self, inputs, lengths):
        """`(logits, cache)` of {name: (rows, time) ids}, right-padded; `lengths`, (rows,), of the decoder's input."""
        time = ops.shape(inputs[self.network.plan.decoder_input])[1]
        logits, cache = self.network.prefill(inputs, lengths, time)
        return ops.cast(logits, "float32"), {name: cache[name] for name in cache if name not in LAYOUT}

    def _insert(self, cache, rows, part):
        """The cache with the rows of a `part`, which may be shorter, in its (n,) `rows`."""
        return _map(lambda array, new: backend.update_rows(array, rows, _padded(new, array.shape)), cache, part)

    def _decode(self, cache, tokens, slots, positions):
        """`(logits, cache)` after (rows, 1) `tokens` in (rows, 1) `slots`; `positions` is 0, 1, 2 ... as (length,)."""
        shape = (tokens.shape[0], positions.shape[0])
        layout = {"positions": ops.broadcast_to(positions[None], shape), "padding_mask": ops.ones(shape, "bool")}
        logits, cache = self.network.decode(tokens, slots, cache | layout)
        return ops.cast(logits[:, 0], "float32"), {name: cache[name] for name in cache if name not in LAYOUT}

    def _count_compilation(self):
        self.compilations += 1


decoding_step = per_model(DecodingStep)


class RunningBatch:
    """The running batch: the next token and slot of each row, and the decoding caches of all rows.

    Args:
        step: the `DecodingStep` of the model.

    Attributes:
        texts: what a caller stores for each row; None in a row that is free. A row may move when another text joins.
        tokens, slots: (rows,) the next token of each row, and the slot that it will take.
    """

    def __init__(self, step: DecodingStep):
        self.step = step
        self.clear()

    def clear(self) -> None:
        """Free all rows and the memory of their caches."""
        self.texts: list[Any] = []
        self.tokens = self.slots = np.zeros(0, "int32")
        self.cache: Any = None
        self.length = self.excess_steps = 0

    @property
    def active(self) -> list[int]:
        """The rows that hold a text."""
        return [row for row, text in enumerate(self.texts) if text is not None]

    def join(self, cache: Any, texts: Sequence[Any], slots: Sequence[int]) -> list[int]:
        """Insert the texts of a prefill into free rows, and return these.

        Args:
            cache: of `DecodingStep.prefill`, whose first rows are the texts.
            slots: for each text the slot that its next token will take: the number of tokens before it.
        """
        if not self.active:
            self.clear()
        rows, length = power_of_two(len(self.active) + len(texts)), _slots(slots)
        if rows > len(self.texts) or length > self.length or not self._has_room(cache):
            self._resize(max(rows, len(self.texts)), max(length, self.length), cache)
        rows = [row for row, text in enumerate(self.texts) if text is None][: len(texts)]
        for row, text, slot in zip(rows, texts, slots, strict=True):
            self.texts[row], self.slots[row] = text, slot
        size = keras.tree.flatten(cache)[0].shape[0]
        targets = np.resize(np.array(rows, "int32"), size)  # padding of the prefill repeats its texts
        self.cache, self.excess_steps = self.step.insert(self.cache, ops.convert_to_tensor(targets), cache), 0
        return rows

    def leave(self, row: int) -> None:
        """Free a row."""
        self.texts[row], self.tokens[row], self.slots[row] = None, 0, 0

    def decode(self) -> Any:
        """(rows, vocabulary) logits of the tokens after the next tokens, which are then in the caches."""
        rows, length = power_of_two(len(self.active)), _slots(self.slots)
        excess = 2 * rows <= len(self.texts) or 2 * length <= self.length
        self.excess_steps = self.excess_steps + 1 if excess else 0
        if self.excess_steps > PATIENCE or length > self.length:
            self._resize(rows, length)
        arrays = (self.tokens[:, None], self.slots[:, None], np.arange(self.length, dtype="int32"))
        logits, self.cache = self.step.decode(self.cache, *map(ops.convert_to_tensor, arrays))
        self.slots[self.active] += 1
        return logits

    def _has_room(self, part):
        """Whether the arrays are as long as those of a part: sources may be longer."""
        pairs = zip(keras.tree.flatten(self.cache), keras.tree.flatten(part), strict=True)
        sizes = (pair for array, new in pairs for pair in zip(array.shape[1:], new.shape[1:], strict=True))
        return all(new <= size for size, new in sizes)

    def _resize(self, rows, length, part=None):
        """Move the texts to the first of `rows` rows of `length` slots, with room for a part of a cache."""
        active = self.active
        index = np.resize(np.array(active or [0], "int32"), rows)
        free = rows - len(active)
        self.texts = [*(self.texts[row] for row in active), *[None] * free]
        self.tokens, self.slots = (np.pad(array[active], (0, free)) for array in (self.tokens, self.slots))
        self.length, self.excess_steps = length, 0
        old: Any = part if self.cache is None else self.cache
        index = ops.convert_to_tensor(index)
        parts = (old,) if part is None else (old, part)

        def resized(name, *arrays):
            shape = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
            if name == "layers" and len(shape) == SLOTS_AXES:
                shape[2] = length
            shape[0] = rows
            return ops.zeros(shape, arrays[0].dtype) if self.cache is None else _fitted(arrays[0], index, shape)

        self.cache = {name: _map(partial(resized, name), *(tree[name] for tree in parts)) for name in old}


def _slots(slots):
    """Slots of a row: a power of two that is above all `slots`."""
    return max(power_of_two(int(max(slots)) + 1), MIN_LENGTH)


def _fitted(array, rows, shape):
    """Rows of an array, cut or padded with zeros to a shape."""
    array = ops.take(array, rows, axis=0)
    return _padded(array[tuple(slice(size) for size in shape)], shape)


def _padded(array, shape):
    """An array padded with zeros to a shape, but for its rows."""
    widths = [(0, 0), *((0, size - old) for size, old in zip(shape[1:], array.shape[1:], strict=True))]
    return ops.pad(array, widths) if any(after for _, after in widths) else array


def _map(function, *trees):
    return keras.tree.map_structure(function, *trees)
