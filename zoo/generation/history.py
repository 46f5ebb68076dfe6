"""The token history that logits processors read."""

from dataclasses import dataclass
from typing import Any

from keras import ops


@dataclass(frozen=True)
class History:
    """The token history: ids of each row so far, prompt included.

    Attributes:
        tokens: (batch, length) ids, which begin with the prompt.
        count: (batch,) number of ids in each row of `tokens`.
        new: number of new tokens, of all rows or (batch,); where the context slid, of those since then.
        stop_ids: (stops,) ids that end a text; -1 for none.
        constraint_state: (batch,) states in the table of a `zoo.generation.constraints.token_table.Constraint`.
    """

    tokens: Any
    count: Any
    new: Any
    stop_ids: Any
    constraint_state: Any = None

    def last(self, number: int) -> Any:
        """(batch, number): the last ids; -1 before the beginning of a text."""
        indices = self.count[:, None] - number + ops.arange(number, dtype="int32")
        tokens = ops.take_along_axis(self.tokens, ops.maximum(indices, 0), axis=1)
        return ops.where(indices < 0, -1, tokens)


def column(parameter: Any) -> Any:
    """A number as (1, 1), or (batch,) numbers as (batch, 1)."""
    return ops.reshape(parameter, (-1, 1))
