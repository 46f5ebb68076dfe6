"""What layers keep of the tokens that they have read, so that a text may go on token by token.

A layer takes part by an argument `cache=None` of its `call`: where one is given, it reads `time` tokens that follow
those it has read before, and leaves in `cache.state` what it will want to know of them all. A new layer that looks at
other tokens joins in by the same argument; one that looks at each token alone needs nothing.
"""

from dataclasses import dataclass
from functools import cached_property

from keras import ops


@dataclass(frozen=True, repr=False)
class DecodeContext:
    """Which tokens the network reads now. A row's memory has `length` places; some never hold a token of the row.

    Attributes:
        places: (time,) integers that count up: the places of memory that these tokens go to.
        positions: (batch, length) integers: how many tokens of its text come before the one in each place.
        visible: (batch, length) booleans: the places that hold a token, now or later.
    """

    places: object
    positions: object
    padding_mask: object

    def of_these(self, array):
        """The (batch, time) part of `positions` or `padding_mask` that belongs to the tokens read now."""
        return ops.take(array, self.places, axis=1)

    @cached_property
    def looks_at(self):
        """(batch, time, length) booleans: the places of memory that each of these tokens may look at."""
        places = ops.arange(ops.shape(self.padding_mask)[1], dtype=self.places.dtype)
        return ops.logical_and(self.padding_mask[:, None], places[None, None] <= self.places[None, :, None])


@dataclass(repr=False)
class LayerCache:
    """One layer's memory: tuples of arrays, the batch first in each, or None where there is nothing yet.

    Attributes:
        arrays: of the tokens that were read.
        source: of another text that the layer looks at: computed once, then the same for every token.
    """

    reading: DecodeContext
    arrays: tuple | None = None
    source: tuple | None = None

    @property
    def length(self):
        """Tokens of a row that there is room for."""
        return ops.shape(self.reading.padding_mask)[1]

    def positions(self):
        """(batch, time) integers: where in its text each token stands that is read now."""
        return self.reading.of_these(self.reading.positions)

    def padding_mask(self):
        """(batch, time) booleans: whether there is a token at all. Padding follows the text."""
        return self.reading.of_these(self.reading.padding_mask)
