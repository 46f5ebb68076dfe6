"""Contiguous batches for truncated back-propagation: each row of a batch continues the same row of the batch before.

Mikolov et al. 2010, https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html. `zoo.transforms.stateful`
makes a network that keeps its recurrent state from batch to batch.
"""

import numpy as np

from zoo.data.batches import Batches, Plan
from zoo.runtime.errors import UserError


class ContiguousBatches(Batches):
    """Batches whose rows continue from batch to batch; examples that are shorter than a row are left out.

    Their input `reset`, (rows, 1) float32, is 1 where recurrent states are reset: at the start of an epoch. Raises
    UserError where there are not `rows` examples of full length.
    """

    def __init__(self, examples, objective, rows: int, accumulation: int = 1, seed: int = 0):
        full = np.flatnonzero(examples.sizes[:, 0] == objective.length)
        if len(full) < rows:
            raise UserError(
                f"Expected at least training.batch_size={rows} chunks of objective.length={objective.length} tokens. "
                f"Received: {len(full)}."
            )
        self.order = full[: len(full) // rows * rows].reshape(rows, -1)  # (rows, batches)
        super().__init__(examples, objective, rows, accumulation, seed)

    @property
    def _count(self):
        return self.order.shape[1]

    def epoch(self, number: int) -> Plan:
        """The batches of an epoch, in order: the same in every epoch."""
        return [(rows, self.buckets[self.bucket_of[rows[0]]]) for rows in self.order.T[: len(self)]]

    def _group(self, plan, position):
        first = position[1]
        return [
            (inputs | {"reset": np.full((self.rows, 1), first + i == 0, "float32")}, targets, weights)
            for i, (inputs, targets, weights) in enumerate(super()._group(plan, position))
        ]
