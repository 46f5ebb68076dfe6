"""Per-layer decoding caches: keys and values of attention, states of recurrent layers, last inputs of convolutions.

A layer supports decoding by an argument `cache=None` of its `call`. With a `LayerCache` the layer computes its features
for `time` new tokens that follow those of earlier calls, and leaves in `cache.state` what later calls need: the prefill
is one call with many tokens, a decoding step one with a single token. A new layer that mixes tokens takes the same
argument; a pointwise layer, which transforms each token alone, needs none.
"""

from dataclasses import dataclass
from functools import cached_property

from keras import ops

from zoo.backend import Tensor


@dataclass(frozen=True, repr=False)
class DecodeContext:
    """Context of a decoding step: where the new tokens are. A row of a cache has `length` slots, some of them padding.

    Attributes:
        slots: (time,) integers that count up: the slots of the cache that the new tokens take; or (batch, time), where
            each row has slots of its own, as in continuous batching.
        positions: (batch, length) integers: the position in its text of the token in each slot.
        padding_mask: (batch, length) booleans, True at slots that hold a token, now or later.
    """

    slots: Tensor
    positions: Tensor
    padding_mask: Tensor

    def current(self, array: Tensor) -> Tensor:
        """The (batch, time) part of `positions` or `padding_mask` for the new tokens."""
        if len(self.slots.shape) == 2:
            return ops.take_along_axis(array, self.slots, axis=1)
        return ops.take(array, self.slots, axis=1)

    @cached_property
    def attention_mask(self) -> Tensor:
        """Causal attention mask, (batch, time, length): the slots that each new token may attend to."""
        slots = ops.arange(ops.shape(self.padding_mask)[1], dtype=self.slots.dtype)
        return ops.logical_and(self.padding_mask[:, None], slots <= self.slots[..., None])


@dataclass(repr=False)
class LayerCache:
    """One layer's cache: tuples of arrays, batch first, or None before the prefill.

    Attributes:
        context: the decoding step, the same for all layers.
        state: of the tokens so far: keys and values, recurrent state, or last inputs of a causal convolution.
        cross: cross-attention cache: keys and values of the source, computed once.
    """

    context: DecodeContext
    state: tuple | None = None
    cross: tuple | None = None

    @property
    def length(self) -> Tensor:
        """Slots of a row, the most tokens that the cache holds."""
        return ops.shape(self.context.padding_mask)[1]

    def positions(self) -> Tensor:
        """(batch, time) integers: the position in its text of each new token."""
        return self.context.current(self.context.positions)

    def padding_mask(self) -> Tensor:
        """(batch, time) booleans, True where a new token is not padding, which follows the text."""
        return self.context.current(self.context.padding_mask)
