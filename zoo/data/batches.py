"""Bucketed batches of few padded shapes, in an order that depends only on the seed and the step.

Examples of about the same length share a batch (bucketing), so little is padding; every training batch has the same
number of rows and one of a few lengths, so XLA compiles a few times. A short batch is filled up with random rows.
"""

from collections.abc import Iterator
from functools import cached_property

import keras
import numpy as np

from zoo.runtime.errors import UserError

Plan = list[tuple[np.ndarray, np.ndarray]]  # (row indices, padded length of each input) of each batch


class Batches:
    """An endless, seeded stream of batches for `keras.Model.fit`.

    Args:
        examples: a `zoo.data.examples.Examples`, or a `zoo.data.packing.PackedExamples`.
        objective: its `collate` makes `(inputs, targets, weights)` of padded arrays.
        rows: examples in a batch; all of them where there are fewer.
        accumulation: batches whose gradients are added up. Their weights are normalised together, because averaging the
            averages of batches would give a token in a long batch a smaller weight.
        seed: of the order, and of the random numbers of `collate`.

    Raises UserError where an epoch has fewer than `accumulation` batches.
    """

    def __init__(self, examples, objective, rows: int, accumulation: int = 1, seed: int = 0):
        self.examples, self.objective, self.seed = examples, objective, seed
        self.rows, self.accumulation = min(rows, len(examples)), accumulation
        self.buckets, self.bucket_of = _unique_rows(examples.shapes(objective.length))
        if len(self) == 0:
            raise UserError(
                f"Expected at least training.accumulation={accumulation} batches of {rows} examples in an epoch. "
                f"Received: {len(examples)} examples, {self._count} batches."
            )

    @cached_property
    def _count(self):
        sizes = np.bincount(self.bucket_of)
        return int((sizes // self.rows).sum() - (-(sizes % self.rows).sum() // self.rows))

    def __len__(self) -> int:
        """Batches in an epoch: a multiple of `accumulation`; further batches wait for the next shuffle."""
        return self._count // self.accumulation * self.accumulation

    def epoch(self, number: int) -> Plan:
        """The batches of an epoch, in order."""
        random = np.random.default_rng([self.seed, number])
        order = random.permutation(np.arange(len(self.examples), dtype="int32"))
        plan, leftovers = [], []
        for bucket, shape in enumerate(self.buckets):
            members = order[self.bucket_of[order] == bucket]
            full = len(members) // self.rows * self.rows
            plan += [(rows, shape) for rows in members[:full].reshape(-1, self.rows)]
            leftovers.append(members[full:])
        plan += self._mixed(np.concatenate(leftovers), random)
        return [plan[i] for i in random.permutation(len(plan))[: len(self)]]

    def _mixed(self, leftovers, random):
        """Yield batches of rows that filled no batch of their own bucket; the last batch is filled up."""
        for start in range(0, len(leftovers), self.rows):
            rows = leftovers[start : start + self.rows]
            shape = self.buckets[self.bucket_of[rows]].max(axis=0)
            fits = (self.buckets <= shape).all(axis=1)
            candidates = np.flatnonzero(fits[self.bucket_of])
            extra = random.choice(candidates, self.rows - len(rows), replace=len(candidates) < self.rows)
            yield np.concatenate([rows, extra]), shape

    def stream(self, step: int) -> Iterator[tuple]:
        """Yield `(inputs, targets, weights)` from the batch number `step` on, without end."""
        epoch, start = divmod(step, len(self))
        while True:
            plan = self.epoch(epoch)
            for first in range(start - start % self.accumulation, len(plan), self.accumulation):
                group = self._group(plan[first : first + self.accumulation], (epoch, first))
                yield from group[max(start - first, 0) :]
            epoch, start = epoch + 1, 0

    def _group(self, plan: Plan, position: tuple[int, int]) -> list[tuple]:
        """The collated batches of a plan, whose weights are normalised together."""
        random = np.random.default_rng([self.seed, *position])
        batches = [self.objective.collate(self.examples.batch(rows, shape), random) for rows, shape in plan]
        total = keras.tree.map_structure(lambda *arrays: sum(map(np.sum, arrays)), *(batch[2] for batch in batches))
        return [(x, y, keras.tree.map_structure(self._normalise, weights, total)) for x, y, weights in batches]

    def _normalise(self, weights, total):
        """Scale so that Keras's mean over all elements of a batch, averaged over the group, is the group's mean."""
        return (weights * (weights.size * self.accumulation / max(total, 1e-9))).astype("float32")

    def shapes(self) -> tuple[int, float]:
        """(number of different shapes, share of ids that are padding) of the first epoch."""
        plan, lengths = self.epoch(0), self.examples.lengths
        ids = sum(int(lengths[rows].sum()) for rows, _ in plan)
        padded = sum(len(rows) * int(sum(shape)) for rows, shape in plan)
        return len({tuple(shape) for _, shape in plan}), 1 - ids / padded


def _unique_rows(shapes):
    """`(unique, index)` of (rows, inputs) integers, as `np.unique` of axis 0, which takes 5 times the memory."""
    codes, base = np.zeros(len(shapes), "int64"), int(shapes.max(initial=0)) + 1
    for column in shapes.T:
        codes = codes * base + column
    unique, index = np.unique(codes, return_inverse=True)
    columns = []
    for _ in range(shapes.shape[1]):
        unique, column = np.divmod(unique, base)
        columns.append(column)
    return np.stack(columns[::-1], axis=1), index.astype("int32")
