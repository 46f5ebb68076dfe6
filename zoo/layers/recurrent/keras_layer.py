"""Recurrent layers with the arguments of Keras's own, for its implicit masks and `keras.layers.Bidirectional`."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend import Tensor, scan, split
from zoo.backend.keras_private import autocast_scope
from zoo.layers.cache import LayerCache
from zoo.layers.crf_algorithms import to_front
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.recurrent.layer import Recurrent, last_state
from zoo.layers.traces import RecurrentTrace
from zoo.runtime.errors import UserError

STATE_NAMES: tuple[str, ...] = ("h", "c")


class KerasRecurrent(ImplicitMask, Recurrent):
    """A recurrent layer that can take the place of `keras.layers.LSTM` and its like.

    Its defaults differ: it returns a vector for each token.

    Args:
        units: int, width of the state and of the output.
        reverse: bool, default False: read each text from its end; outputs stay in the order of the text.
        return_sequences: bool, default True: a vector for each token; else the vector after the last one.
        return_state: bool, default False: return `[outputs, *state]`.
        go_backwards: bool, default False: as `reverse`, but with the outputs in the order of reading, last token first.
            `keras.layers.Bidirectional` sets it.
    """

    mask_argument = "mask"
    stateful, states = False, None  # for `keras.layers.Bidirectional`
    gate_names: tuple[str, ...] = ()  # of the activations that `step` returns first

    def __init__(
        self,
        units: int,
        reverse: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        go_backwards: bool = False,
        **kwargs,
    ):
        if reverse and go_backwards:
            raise UserError("reverse and go_backwards are one direction. Received: both in a recurrent layer.")
        super().__init__(units, reverse or go_backwards, **kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards

    def call(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        state: Sequence[Tensor] | None = None,
        cache: LayerCache | None = None,
        mask: Tensor | None = None,
        initial_state: Sequence[Tensor] | None = None,
    ) -> Any:
        """Features of texts, (batch, time, units), zeros at padding; (batch, units) without `return_sequences`.

        Args:
            x: (batch, time, features).
            padding_mask: (batch, time) booleans, False at padding, which follows the text; None: see `mask`.
            state: state before the first token, as an earlier call returned it: `(features, state)` is returned.
            cache: a `LayerCache` of the state, which has the mask of the new tokens.
            mask: (batch, time) booleans, True at tokens, in any place; None: Keras's implicit mask of `x`, else no
                token is padding.
            initial_state: as `state`, but what is returned depends on `return_state` alone, as in Keras.

        Raises UserError for a state with `reverse`: the end of the text is not known yet.
        """
        masked = mask is not None and padding_mask is None
        extended = masked or not self.return_sequences or self.return_state or self.go_backwards
        if cache is not None or not (extended or initial_state is not None):
            return super().call(x, padding_mask, state, cache)
        x, padding_mask, order = _padding_last(x, padding_mask, mask)
        y, last = self._features_and_state(x, padding_mask, initial_state if state is None else state)
        y = self._select(y, padding_mask, order)
        return self._returns(y, last, state)

    def _returns(self, y, last, state):
        """What a call with this `state` argument returns, from the features and the state after the last token."""
        if state is not None:
            return y, last
        return [y, *last] if self.return_state else y

    def _features_and_state(self, x, padding_mask, state):
        """Features of each token, and the state after the last token that is read."""
        if not self.reverse or state is not None:  # a reversed layer refuses a state
            state = self.initial_state(ops.shape(x)[0]) if state is None else state
            return super().call(x, padding_mask, state)
        if not self.return_state:
            return super().call(x, padding_mask, state), []
        stacks_TBU = self._scan(ops.transpose(x, (1, 0, 2)), padding_mask)
        return self._features(stacks_TBU, padding_mask), [stack_TBU[0] for stack_TBU in stacks_TBU]

    def _select(self, y, padding_mask, order):
        """All features in the order of the outputs, or the feature after the last token that is read."""
        if not self.return_sequences:
            if self.reverse:
                return y[:, 0]
            if padding_mask is None:
                return y[:, -1]
            last_B1 = ops.maximum(ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True) - 1, 0)
            return ops.take_along_axis(y, last_B1[..., None], axis=1)[:, 0]
        y = _take(y, _inverse(order))
        return ops.flip(y, axis=1) if self.go_backwards else y

    def trace(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        state: Sequence[Tensor] | None = None,
        mask: Tensor | None = None,
        initial_state: Sequence[Tensor] | None = None,
        offsets: Mapping[str, Tensor] | None = None,
    ) -> RecurrentTrace:
        """The states and gates of a call with the same arguments, and its outputs.

        Args:
            offsets: arrays as `RecurrentTrace.states`, added to the states: they change later states and the outputs
                too, so that the gradient by offsets of zero is the total derivative by the states; None: none.
        """
        with autocast_scope(self):
            x, padding_mask, order = _padding_last(ops.cast(x, self.compute_dtype), padding_mask, mask)
            first = initial_state if state is None else state
            first = self.initial_state(ops.shape(x)[0]) if first is None else first
            first = [ops.cast(array, self._state_dtype) for array in first]
            stacks_TBU = self._scan_gates(x, padding_mask, first, [_take(x, order) for x in offsets_of(offsets)])
            y = self._select(self._features(stacks_TBU, padding_mask), padding_mask, order)
        last = [last_state(*pair, padding_mask) for pair in zip(first, stacks_TBU, strict=False)]
        last = [stack_TBU[0] for stack_TBU in stacks_TBU[: self.state_count]] if self.reverse else last
        arrays = [ops.transpose(stack_TBU, (1, 0, 2)) for stack_TBU in stacks_TBU]
        if padding_mask is not None:
            arrays = [array * ops.cast(padding_mask, array.dtype)[..., None] for array in arrays]
        arrays = [_take(array, _inverse(order)) for array in arrays]
        states = dict(zip(STATE_NAMES, arrays[: self.state_count], strict=False))
        gates = dict(zip(self.gate_names, arrays[self.state_count :], strict=False))
        return RecurrentTrace(self._returns(y, last, state), states, gates)

    def _scan_gates(self, x, padding_mask, first, offsets):
        """The states after all steps and the activations of the gates, a list of (time, batch, units)."""
        weights, p_TBG = self.recurrent_weights(), self.project(ops.transpose(x, (1, 0, 2)), padding_mask)

        def step(state, inputs):
            state, gates = self.step(state, inputs[: self.gates], *weights)
            state = self.perturb(state, gates, inputs[self.gates :]) if offsets else state
            return state, (*state, *gates)

        offsets = [ops.transpose(offset, (1, 0, 2)) for offset in offsets]
        return scan(step, tuple(first), (*split(p_TBG, self.gates), *offsets), self.reverse)[1]

    def perturb(self, state: tuple, gates: tuple, offsets: Sequence[Tensor]) -> tuple:
        """The state after a step with `offsets` added: one to a memory cell changes the output of the step too."""
        return tuple(array + offset for array, offset in zip(state, offsets, strict=True))

    def compute_output_spec(self, x, padding_mask=None, state=None, mask=None, initial_state=None):
        y = keras.KerasTensor(self._shape(x.shape), dtype=self.compute_dtype)
        last = [keras.KerasTensor((x.shape[0], self.units), dtype=self._state_dtype)] * self.state_count
        return self._returns(y, last, state)

    def compute_output_shape(self, x_shape, *args, **kwargs):
        states = ((x_shape[0], self.units),) * self.state_count
        return (self._shape(x_shape), *states) if self.return_state else self._shape(x_shape)

    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the outputs; None without `return_sequences`."""
        if previous_mask is None or not self.return_sequences:
            return None
        return ops.flip(previous_mask, axis=1) if self.go_backwards else previous_mask

    def _shape(self, x_shape):
        return (*x_shape[:2], self.units) if self.return_sequences else (x_shape[0], self.units)


def offsets_of(offsets: Mapping[str, Tensor] | None) -> list[Tensor]:
    """The offsets of `trace` in the order of the vectors of a state."""
    return [offsets[name] for name in STATE_NAMES if name in offsets] if offsets else []


def _padding_last(x, padding_mask, mask):
    """`x` and its padding mask with the tokens of a `mask` first, and their order: None where they stay."""
    if mask is None or padding_mask is not None:
        return x, padding_mask, None
    order = to_front(mask)
    return _take(x, order), ops.take_along_axis(mask, order, axis=1), order


def _take(x, order):
    return x if order is None else ops.take_along_axis(x, order[..., None], axis=1)


def _inverse(order):
    """The inverse permutation of each row."""
    return None if order is None else ops.argsort(order, axis=1)
