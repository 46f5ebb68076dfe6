"""A recurrent decoder with attention to the source at every step, and input feeding."""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from zoo.backend import Tensor, concatenate, scan, split
from zoo.backend.keras_private import autocast_scope
from zoo.layers.cache import LayerCache
from zoo.layers.dense import Dense
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.lora import effective_kernel
from zoo.layers.recurrent.cells import GRU, LSTM
from zoo.layers.recurrent.decoder_attention import DecoderAttention
from zoo.layers.recurrent.keras_layer import STATE_NAMES, offsets_of
from zoo.layers.recurrent.layer import last_state
from zoo.layers.traces import RecurrentTrace
from zoo.runtime.errors import one_of

CELLS = {"lstm": LSTM, "gru": GRU}
INPUT_FEEDINGS = ("context", "output")


@keras.saving.register_keras_serializable(package="zoo")
class AttentionDecoder(ImplicitMask, keras.layers.Layer):
    """A recurrent attention decoder with input feeding: (batch, time, features) to (batch, time, units).

    Its features are tanh(W [state; context]) (Luong 2015, equation 5, https://arxiv.org/abs/1508.04025). Steps are
    computed in float32, whatever the dtype policy.

    Args:
        units: width of the state and of the features.
        cell: "lstm" or "gru".
        score: of the attention, see `DecoderAttention`.
        input_feeding: what a step gets beside its token: "context", the context vector of the state before (Bahdanau
            2015, appendix A.2.2, https://arxiv.org/abs/1409.0473), or "output", the feature before (Luong 2015, section
            3.3), whose context is that of the new state.

    >>> features, state = layers.AttentionDecoder(8, cell="lstm")(keras.Input((5, 16)), keras.Input((9, 32)))
    >>> features.shape, len(state)
    ((None, 5, 8), 2)
    """

    lora_targets = ("input_kernel",)
    masked_inputs = ("source",)

    def __init__(
        self, units: int, cell: str = "gru", score: str = "additive", input_feeding: str = "context", **kwargs
    ):
        super().__init__(**kwargs)
        self.units = units
        self.cell = cell
        self.score = score
        self.input_feeding = one_of("input_feeding", input_feeding, INPUT_FEEDINGS)
        self.recurrence = CELLS[one_of("cell", cell, CELLS)](units, name="recurrence", dtype="float32")
        self.attention = DecoderAttention(units, score, name="attention", dtype="float32")
        self.readout = Dense(units, activation="tanh", name="readout", dtype="float32")

    def build(self, x_shape, source_shape, padding_mask_shape=None, state_shape=None):
        width = source_shape[-1]
        self.recurrence.build(x_shape)
        self.attention.build((None, None, self.units), source_shape)
        self.readout.build((None, self.units + width))
        shape = (width if self.input_feeding == "context" else self.units, self.recurrence.gates * self.units)
        self.input_kernel = self.add_weight(shape, initializer="glorot_uniform", autocast=False, name="input_kernel")

    def call(
        self,
        x: Tensor,
        source: Tensor,
        padding_mask: Tensor | None = None,
        state: Sequence[Tensor] | None = None,
        cache: LayerCache | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Features of a target, (batch, time, units), and the state after its last token, a list.

        Args:
            x: (batch, time, features).
            source: (batch, source time, its width).
            padding_mask: (batch, source time) booleans, True at the source's tokens.
            state: state before the first token: the cell's own, (batch, units) each, or what an earlier call returned.
            cache: a `LayerCache` of the source's keys and of the state.
        """
        source = ops.cast(source, "float32")
        if cache is not None:
            return self._call_cached(x, source, padding_mask, state, cache)
        keys, first = self.attention.keys(source), self._initial_state(state, x)
        y_BTU, state, _ = self._decode(x, source, keys, padding_mask, first)
        return y_BTU, state

    def _call_cached(self, x, source, padding_mask, state, cache: LayerCache):
        cache.cross = cache.cross or (self.attention.keys(source),)
        first = cache.state or self._initial_state(state, x)
        (keys,) = cache.cross
        y_BTU, _, stacks_TBU = self._decode(x, source, keys, padding_mask, first, all_states=True)
        last = [last_state(*pair, cache.padding_mask()) for pair in zip(first, stacks_TBU, strict=True)]
        cache.state = tuple(last)
        return y_BTU, last

    def trace(
        self,
        x: Tensor,
        source: Tensor,
        padding_mask: Tensor | None = None,
        state: Sequence[Tensor] | None = None,
        offsets: Mapping[str, Tensor] | None = None,
    ) -> RecurrentTrace:
        """The states, gates and alignment of a call with the same arguments, and its outputs.

        Args:
            offsets: as of the `trace` of other recurrent layers.
        """
        with autocast_scope(self):
            source, first = ops.cast(source, "float32"), self._initial_state(state, x)
            keys, cell = self.attention.keys(source), self.recurrence
            y_BTU, last, stacks_TBU = self._decode(x, source, keys, padding_mask, first, True, offsets_of(offsets))
            after = [ops.transpose(stack_TBU, (1, 0, 2)) for stack_TBU in stacks_TBU]
            before = [ops.concatenate([h0[:, None], h[:, :-1]], axis=1) for h0, h in zip(first, after, strict=True)]
            feeds_context = self.input_feeding == "context"
            alignment = self.attention.trace(before[0] if feeds_context else after[0], source, padding_mask)
            feed = ops.matmul(alignment.weight[:, 0], source) if feeds_context else before[-1]
            p_BTG = cell.project(x) + feed @ effective_kernel(self, "input_kernel")
            size = cell.state_count
            _, gates = cell.step(tuple(before[:size]), split(p_BTG, cell.gates), *cell.recurrent_weights())
        states = dict(zip(STATE_NAMES, after[:size], strict=False))
        gates = dict(zip(cell.gate_names, gates, strict=False))
        return RecurrentTrace((y_BTU, last), states, gates, alignment)

    def _decode(self, x, source, keys, padding_mask, first, all_states=False, offsets=()):
        """Features, the state after the last step, and with `all_states` the states after all steps."""
        p_TBG = self.recurrence.project(ops.transpose(x, (1, 0, 2)))
        offsets = (ops.transpose(offset, (1, 0, 2)) for offset in offsets)
        step = self._step(lambda h_BU: self.attention.attend(h_BU[:, None], keys, source, padding_mask)[:, 0])
        state, (y_TBU, *stacks_TBU) = scan(_with_state(step) if all_states else step, first, (p_TBG, *offsets))
        y_BTU = ops.transpose(y_TBU, (1, 0, 2))
        if self.input_feeding == "context":  # not step by step where no feature is fed back
            y_BTU = self.readout(y_BTU)
        return ops.cast(y_BTU, self.compute_dtype), list(state), stacks_TBU

    def compute_output_spec(self, x, source, padding_mask=None, state=None):
        size = self.recurrence.state_count + (self.input_feeding == "output")
        y = keras.KerasTensor((*x.shape[:2], self.units), dtype=self.compute_dtype)
        return y, [keras.KerasTensor((x.shape[0], self.units), dtype="float32")] * size

    def _initial_state(self, state, x) -> tuple[Tensor, ...]:
        """The state before the first step: the cell's, and zeros for the feature before where features are fed back."""
        state = self.recurrence.initial_state(ops.shape(x)[0]) if state is None else state
        state = [ops.cast(array, "float32") for array in state]  # Keras casts the arguments of a layer
        lacks_feature = self.input_feeding == "output" and len(state) == self.recurrence.state_count
        return (*state, ops.zeros_like(state[0])) if lacks_feature else tuple(state)

    def _step(self, attend):
        """The step of `scan`; `attend(h)` returns the context vector of a state."""
        cell, input_kernel = self.recurrence, effective_kernel(self, "input_kernel")
        weights = cell.recurrent_weights()

        def advance(state, inputs, extra):
            p, *offsets = inputs
            state, gates = cell.step(state, split(p + extra @ input_kernel, cell.gates), *weights)
            return cell.perturb(state, gates, offsets) if offsets else state

        def context_step(state, inputs):
            context = attend(state[0])
            state = advance(state, inputs, context)
            return state, (concatenate([state[0], context]),)

        def output_step(state, inputs):
            state = advance(state[:-1], inputs, state[-1])
            y = self.readout(concatenate([state[0], attend(state[0])]))
            return (*state, y), (y,)

        return context_step if self.input_feeding == "context" else output_step


def _with_state(step):
    """A step of `scan` that outputs its state too."""

    def run(state, inputs):
        state, outputs = step(state, inputs)
        return state, (*outputs, *state)

    return run
