"""Padded batches of few shapes, in an order that depends only on the seed and the step.

Rows are put with others of about their length (bucketing), so little is padded; every training batch has the full
number of rows and one of a few lengths, so XLA compiles a few times. A batch that would be short is filled up with
further rows.
"""

from functools import cached_property

import keras
import numpy as np

from zoo.runtime.errors import UserError


class Batches:
    """An endless, seeded stream of batches for `keras.Model.fit`.

    Args:
        examples: a `zoo.data.examples.Examples`, or a `zoo.data.packing.PackedExamples`.
        objective: whose `collate` makes `(inputs, targets, weights)` of padded arrays.
        rows: examples in a batch; all of them where there are fewer.
        accumulation: batches whose gradients are added up; their weights are normalised together, because averaging the
            averages of batches would give a token in a long batch less to say.
        seed: of the order and of what `collate` draws.
    """

    def __init__(self, examples, objective, rows, accumulation=1, seed=0):
        self.examples, self.objective, self.seed = examples, objective, seed
        self.rows, self.accumulation = min(rows, len(examples)), accumulation
        self.buckets = examples.shapes(objective.length)
        self.kinds, self.kind = np.unique(self.buckets, axis=0, return_inverse=True)
        if len(self) == 0:
            raise UserError(
                f"Expected at least training.accumulation={accumulation} batches of {rows} examples in an epoch. "
                f"Received: {len(examples)} examples, {self._count} batches."
            )

    @cached_property
    def _count(self):
        sizes = np.bincount(self.kind)
        return int((sizes // self.rows).sum() - (-(sizes % self.rows).sum() // self.rows))

    def __len__(self):
        """Batches in an epoch: a multiple of `accumulation`; what is over sits out until the next shuffle."""
        return self._count // self.accumulation * self.accumulation

    def epoch(self, number):
        """The epoch's plan: a list of (row indices, padded length of each input)."""
        random = np.random.default_rng([self.seed, number])
        order = random.permutation(len(self.examples))
        plan, rest = [], []
        for kind, shape in enumerate(self.kinds):
            here = order[self.kind[order] == kind]
            full = len(here) // self.rows * self.rows
            plan += [(rows, shape) for rows in here[:full].reshape(-1, self.rows)]
            rest.append(here[full:])
        plan += self._leftovers(np.concatenate(rest), random)
        return [plan[i] for i in random.permutation(len(plan))[: len(self)]]

    def _leftovers(self, rest, random):
        """Rows that filled no batch of their own length, batched with their neighbours; the last batch is filled up."""
        for start in range(0, len(rest), self.rows):
            rows = rest[start : start + self.rows]
            shape = self.buckets[rows].max(axis=0)
            fitting = np.flatnonzero((self.buckets <= shape).all(axis=1))
            extra = random.choice(fitting, self.rows - len(rows), replace=len(fitting) < self.rows)
            yield np.concatenate([rows, extra]), shape

    def stream(self, step):
        """Yield `(inputs, targets, weights)` from the batch number `step` on, without end."""
        epoch, start = divmod(step, len(self))
        while True:
            plan = self.epoch(epoch)
            for first in range(start - start % self.accumulation, len(plan), self.accumulation):
                group = self._group(plan[first : first + self.accumulation], (epoch, first))
                yield from group[max(start - first, 0) :]
            epoch, start = epoch + 1, 0

    def _group(self, plan, place):
        random = np.random.default_rng([self.seed, *place])
        arranged = [self.objective.collate(self.examples.batch(rows, shape), random) for rows, shape in plan]
        total = keras.tree.map_structure(lambda *arrays: sum(map(np.sum, arrays)), *(item[2] for item in arranged))
        return [(x, y, keras.tree.map_structure(self._normalise, weights, total)) for x, y, weights in arranged]

    def _normalise(self, weights, total):
        """Scale so that Keras's mean over the places of a batch, averaged over the group, is the group's mean."""
        return (weights * (weights.size * self.accumulation / max(total, 1e-9))).astype("float32")

    def shapes(self):
        """(number of different shapes, share of ids that are padding) of the first epoch."""
        plan = self.epoch(0)
        used = sum(int(self.examples.used[rows].sum()) for rows, _ in plan)
        return len({tuple(shape) for _, shape in plan}), 1 - used / sum(len(rows) * int(sum(s)) for rows, s in plan)
