"""A recurrent layer that looks at a source at every step and is fed what it saw there."""

import keras
from keras import ops

from zoo.backend import concatenate, scan, split
from zoo.layers.dense import Dense
from zoo.layers.lora import effective_kernel
from zoo.layers.recurrent.cells import GRU, LSTM
from zoo.layers.recurrent.decoder_attention import DecoderAttention
from zoo.layers.recurrent.layer import last_of
from zoo.runtime.errors import one_of

CELLS = {"lstm": LSTM, "gru": GRU}
INPUT_FEEDINGS = ("context", "output")


@keras.saving.register_keras_serializable(package="zoo")
class AttentionDecoder(keras.layers.Layer):
    """Reads a target step by step with a look at the source: (batch, time, features) to (batch, time, units).

    Its features are tanh(W [state; context]) (Luong 2015, equation 5, https://arxiv.org/abs/1508.04025). `input_feeding` says
    what a step is given beside its token: "context", what the state before finds in the source (Bahdanau 2015,
    appendix A.2.2, https://arxiv.org/abs/1409.0473), or "output", the feature before (Luong 2015, section 3.3), whose
    context is what the new state finds. Steps are computed in float32, whatever the dtype policy.
    """

    lora_targets = ("input_kernel",)

    def __init__(self, units, cell="gru", score="additive", input_feeding="context", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.cell = cell
        self.score = score
        self.input_feeding = one_of("input_feeding", input_feeding, INPUT_FEEDINGS)
        self.recurrence = CELLS[one_of("cell", cell, CELLS)](units, name="recurrence", dtype="float32")
        self.align = DecoderAttention(units, score, name="align", dtype="float32")
        self.readout = Dense(units, activation="tanh", name="readout", dtype="float32")

    def build(self, x_shape, source_shape, padding_mask_shape=None, state_shape=None):
        width, fed = source_shape[-1], source_shape[-1] if self.input_feeding == "context" else self.units
        self.recurrence.build(x_shape)
        self.align.build((None, None, self.units), source_shape)
        self.readout.build((None, self.units + width))
        shape = (fed, self.recurrence.gates * self.units)
        self.input_kernel = self.add_weight(shape, initializer="glorot_uniform", autocast=False, name="input_kernel")

    def call(self, x, source, padding_mask=None, state=None, cache=None):
        """Features of a target, and the state after it.

        Args:
            x: (batch, time, features).
            source: (batch, source time, its width).
            visible: (batch, source time) booleans, True where the source has a token.
            state: what to begin with: the cell's own, (batch, units) each, or what an earlier call returned.
            memory: of the source's keys and the state, see `zoo.layers.cache`.
        """
        source = ops.cast(source, "float32")
        if cache is not None:
            return self._go_on(x, source, padding_mask, state, cache)
        y_BTU, state, _ = self._read(x, source, self.align.keys(source), padding_mask, self._begin(state, x))
        return y_BTU, state

    def _read(self, x, source, keys, padding_mask, begin, record=False):
        """Features, the state after the last place, and with `record` those after all places."""
        p_TBG = self.recurrence.project(ops.transpose(x, (1, 0, 2)))
        step = self._step(lambda h_BU: self.align.take(h_BU[:, None], keys, source, padding_mask)[:, 0])
        state, (y_TBU, *stacks_TBU) = scan(_recorded(step) if record else step, begin, (p_TBG,))
        y_BTU = ops.transpose(y_TBU, (1, 0, 2))
        if self.input_feeding == "context":  # not step by step where nothing is fed back
            y_BTU = self.readout(y_BTU)
        return ops.cast(y_BTU, self.compute_dtype), list(state), stacks_TBU

    def _go_on(self, x, source, padding_mask, state, cache):
        cache.cross = cache.cross or (self.align.keys(source),)
        begin = cache.state or self._begin(state, x)
        y_BTU, _, stacks_TBU = self._read(x, source, *cache.cross, padding_mask, begin, record=True)
        last = [last_of(*pair, cache.padding_mask()) for pair in zip(begin, stacks_TBU, strict=True)]
        cache.state = tuple(last)
        return y_BTU, last

    def compute_output_spec(self, x, source, padding_mask=None, state=None):
        size = self.recurrence.states + (self.input_feeding == "output")
        y = keras.KerasTensor((*x.shape[:2], self.units), dtype=self.compute_dtype)
        return y, [keras.KerasTensor((x.shape[0], self.units), dtype="float32")] * size

    def _begin(self, state, x):
        """The state before the first step: the cell's, then, where features are fed back, one of zeros."""
        state = self.recurrence.start(ops.shape(x)[0]) if state is None else state
        state = [ops.cast(array, "float32") for array in state]  # Keras casts what a layer is called with
        lacking = self.input_feeding == "output" and len(state) == self.recurrence.states
        return (*state, ops.zeros_like(state[0])) if lacking else tuple(state)

    def _step(self, take):
        weights, input_kernel = self.recurrence.recurrence(), effective_kernel(self, "input_kernel")

        def advance(state, p, fed):
            return self.recurrence.step(state, split(p[0] + fed @ input_kernel, self.recurrence.gates), *weights)[0]

        def context(state, p):
            seen = take(state[0])
            state = advance(state, p, seen)
            return state, (concatenate([state[0], seen]),)

        def output(state, p):
            state = advance(state[:-1], p, state[-1])
            y = self.readout(concatenate([state[0], take(state[0])]))
            return (*state, y), (y,)

        return context if self.input_feeding == "context" else output


def _recorded(step):
    """A step of `scan` that puts out its state too."""

    def run(state, now):
        state, outputs = step(state, now)
        return state, (*outputs, *state)

    return run
