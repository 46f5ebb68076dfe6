"""Contiguous batches for truncated back-propagation: each row of a batch continues the same row of the batch before.

Mikolov et al. 2010, https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html. `zoo.transforms.stateful`
makes a network that keeps its recurrent state from batch to batch.
"""

import numpy as np

from zoo.data.batches import Batches
from zoo.runtime.errors import UserError


class ContiguousBatches(Batches):
    """Batches whose rows go on from one to the next; texts that are shorter than a row are left out.

    Raises UserError where there are not `rows` examples of full length.
    """

    def __init__(self, examples, objective, rows, accumulation=1, seed=0):
        full = np.flatnonzero(examples.sizes[:, 0] == objective.length)
        if len(full) < rows:
            raise UserError(
                f"Expected at least training.batch_size={rows} stretches of objective.length={objective.length} tokens. "
                f"Received: {len(full)}."
            )
        self.table = full[: len(full) // rows * rows].reshape(rows, -1)
        super().__init__(examples, objective, rows, accumulation, seed)

    @property
    def _count(self):
        return self.table.shape[1]

    def epoch(self, number):
        """As of `Batches`; the same in every epoch."""
        return [(column, self.buckets[column[0]]) for column in self.table.T[: len(self)]]

    def _group(self, plan, place):
        first = place[1]
        return [
            (inputs | {"reset": np.full((self.rows, 1), first + i == 0, "float32")}, targets, weights)
            for i, (inputs, targets, weights) in enumerate(super()._group(plan, place))
        ]
