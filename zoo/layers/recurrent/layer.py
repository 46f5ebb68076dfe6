"""What all recurrent layers share: projection, scan, gradient, padding, state."""

from functools import partial

import keras
import numpy as np
from keras import ops

from zoo.backend import custom_gradient, fused_recurrence, scan, split, transpose
from zoo.layers.lora import effective_kernel, matmul
from zoo.runtime.errors import UserError


class Recurrent(keras.layers.Layer):
    """Reads texts token by token: (batch, time, features) to (batch, time, units), zeros at padding.

    With `reverse` each text is read from its own end. Steps are computed in float32, whatever the dtype policy.
    A subclass is one kind of cell, by three functions:

    `shut(p, hidden)` returns inputs that keep a state of zeros at zeros where `hidden` is 1, and `p` where it is 0.
    `step(state, inputs, *weights)` returns the next state and the activations of the gates, tuples of (batch, units).
    `back(carried, gradients, before, states, gates, kernel)` returns the gradient of the state before, given what of
    that of the state after was `carried` back and what came from the features, and the gradients of the inputs and of
    the product of state and recurrent kernel, (batch, gates * units): one alone where they are the same.
    """

    lora_targets = ("kernel", "recurrent_kernel")
    gates = 1  # vectors that a step computes from its input
    states = 1  # vectors that go from step to step; the first is the feature

    def __init__(self, units, reverse=False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.reverse = reverse

    def build(self, x_shape):
        size = self.gates * self.units
        self.kernel = self.add_weight((x_shape[-1], size), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, size), initializer="orthogonal", autocast=False, name="recurrent_kernel"
        )
        first = self.first_bias()
        self.bias = self.add_weight(first.shape, initializer=lambda *_, **__: first, autocast=False, name="bias")
        count = len(self.recurrence())
        self._run = custom_gradient(partial(self._forwards, count), partial(self._backwards, count))

    def first_bias(self):
        """The bias before training."""
        return np.zeros(self.gates * self.units)

    def start(self, batch):
        """The state before the first token: `states` arrays of zeros, (batch, units)."""
        return [ops.zeros((batch, self.units), self._precision) for _ in range(self.states)]

    def call(self, x, padding_mask=None, state=None, cache=None):
        """Features of texts.

        Args:
            x: (batch, time, features).
            visible: (batch, time) booleans, False at padding, which follows the text; None: there is no padding.
            state: what to go on from, as an earlier call returned it or as `start` makes it; None: the latter.
            memory: of the state, see `zoo.layers.cache`; it knows which tokens are visible.

        Returns (batch, time, units); with a `state` given, that and the state after the last token of each text.
        Raises UserError for a `state` where texts are read in reverse: their end is not known yet.
        """
        if state is not None and self.reverse:
            raise UserError(f"A state can only be carried forwards. Received: reverse=True in layer {self.name!r}.")
        if state is not None:  # Keras casts what a layer is called with
            state = [ops.cast(array, self._precision) for array in state]
        if cache is not None:
            return self._go_on(x, state, cache)
        x_TBM = ops.transpose(x, (1, 0, 2))
        if state is None:
            return self._features(self._fused(x_TBM, padding_mask) or self._recur(x_TBM, padding_mask), padding_mask)
        stacks_TBU = self._recur(x_TBM, padding_mask, state)
        last = [last_of(*pair, padding_mask) for pair in zip(state, stacks_TBU, strict=True)]
        return self._features(stacks_TBU, padding_mask), last

    def _go_on(self, x, state, cache):
        begin = state if cache.state is None else cache.state
        y, last = self.call(x, cache.padding_mask(), self.start(ops.shape(x)[0]) if begin is None else begin)
        cache.state = tuple(last)
        return y if state is None else (y, last)

    def compute_output_spec(self, x, padding_mask=None, state=None):
        y = keras.KerasTensor((*x.shape[:2], self.units), dtype=self.compute_dtype)
        if state is None:
            return y
        return y, [keras.KerasTensor((x.shape[0], self.units), dtype=self._precision)] * self.states

    @property
    def _precision(self):
        return "float64" if self.compute_dtype == "float64" else "float32"

    def project(self, x_TBM, padding_mask=None):
        """What each step is given by its token, (time, batch, gates * units)."""
        p_TBG = ops.cast(matmul(x_TBM, self), self._precision) + self.input_bias()
        if padding_mask is None or not self.reverse:
            return p_TBG
        return self.shut(p_TBG, ops.cast(ops.logical_not(ops.transpose(padding_mask)), p_TBG.dtype)[:, :, None])

    def input_bias(self):
        """What is added to the product of inputs and kernel."""
        return self.bias

    def recurrence(self):
        """The weights that each step meets: the recurrent kernel first, then biases."""
        return [effective_kernel(self, "recurrent_kernel")]

    def _features(self, stacks_TBU, padding_mask):
        y_BTU = ops.cast(ops.transpose(stacks_TBU[0], (1, 0, 2)), self.compute_dtype)
        return y_BTU if padding_mask is None else y_BTU * ops.cast(padding_mask, y_BTU.dtype)[:, :, None]

    def _fused(self, x_TBM, padding_mask):
        """The features, (time, batch, units), alone in a list, by a kernel of the device; None where it has none."""
        weights = [effective_kernel(self), effective_kernel(self, "recurrent_kernel"), ops.convert_to_tensor(self.bias)]
        y_TBU = fused_recurrence(type(self).__name__, x_TBM, padding_mask, self.reverse, weights)
        return None if y_TBU is None else [y_TBU]

    def _recur(self, x_TBM, padding_mask, begin=None):
        """All states, a list of (time, batch, units)."""
        begin = self.start(ops.shape(x_TBM)[1]) if begin is None else begin
        return self._run(self.project(x_TBM, padding_mask), *self.recurrence(), *begin)

    def _forwards(self, count, p_TBG, *arrays):
        weights, begin = arrays[:count], arrays[count:]

        def step(state, p):
            state, gates = self.step(state, p, *weights)
            return state, (*state, *gates)

        _, stacks = scan(step, begin, split(p_TBG, self.gates), self.reverse)
        return stacks[: self.states], (*arrays, *stacks)

    def _backwards(self, count, kept, gradients):
        size, kernel_GU, kept = self.states, transpose(kept[0]), kept[count:]
        begin, states, gates = kept[:size], kept[size : 2 * size], kept[2 * size :]
        before = [self._before(*pair) for pair in zip(begin, states, strict=True)]

        def back(carried, now):
            parts = now[:size], now[size : 2 * size], now[2 * size : 3 * size], now[3 * size :]
            return self.back(carried, *parts, kernel_GU)

        start = tuple(ops.zeros_like(array) for array in begin)
        carried, totals = scan(back, start, (*gradients, *before, *states, *gates), not self.reverse)
        ds_RG = ops.reshape(totals[-1], (-1, kernel_GU.shape[0]))
        biases = [ops.sum(ds_RG, axis=0)] * (count - 1)
        return totals[0], transpose(ops.reshape(before[0], (-1, self.units))) @ ds_RG, *biases, *carried

    def _before(self, begin, stack_TBU):
        """The states that the steps began with."""
        parts = [stack_TBU[1:], begin[None]] if self.reverse else [begin[None], stack_TBU[:-1]]
        return ops.concatenate(parts, axis=0)


def last_of(begin, stack_TBU, padding_mask):
    """The state after the last token of each text, (batch, units)."""
    if padding_mask is None:
        return stack_TBU[-1]
    stack_TBU = ops.concatenate([begin[None], stack_TBU], axis=0)
    return ops.take_along_axis(stack_TBU, ops.sum(ops.cast(padding_mask, "int32"), axis=1)[None, :, None], axis=0)[0]
