"""What all recurrent layers share: projection, scan, gradient, padding, state."""

import keras
import numpy as np
from keras import ops

from zoo.backend import differentiable, scan, transpose


class Recurrent(keras.layers.Layer):
    """Reads texts token by token: (batch, time, features) to (batch, time, units), zeros at padding.

    With `reverse` each text is read from its own end. Steps are computed in float32, whatever the dtype policy.
    A subclass is one kind of cell: `step` goes forwards, `slopes`, `back` and `spread` are the gradient of it.
    """

    gates = 1  # vectors that a step computes from its input
    states = 1  # vectors that go from step to step; the first is the feature
    shut = 0.0  # input that keeps a state of zeros at zeros

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

    def first_bias(self):
        """The bias before training."""
        return np.zeros(self.gates * self.units)

    def start(self, batch):
        """The state before the first token: `states` arrays of zeros, (batch, units)."""
        return [ops.zeros((batch, self.units), self._precision) for _ in range(self.states)]

    def call(self, x, visible=None, state=None):
        """Features of texts.

        Args:
            x: (batch, time, features).
            visible: (batch, time) booleans, False at padding, which follows the text; None: there is no padding.
            state: what to go on from, as an earlier call returned it or as `start` makes it; None: the latter.

        Returns (batch, time, units); with a `state` given, that and the state after the last token of each text.
        Raises ValueError for a `state` where texts are read in reverse: their end is not known yet.
        """
        if state is not None and self.reverse:
            raise ValueError(f"A state can only be carried forwards. Received: reverse=True in layer {self.name!r}.")
        begin = self.start(ops.shape(x)[0]) if state is None else state
        run = differentiable(self._forwards, self._backwards)
        stacks_TBU = run(self._project(x, visible), *self.recurrence(), *begin)
        y_BTU = ops.cast(ops.transpose(stacks_TBU[0], (1, 0, 2)), self.compute_dtype)
        if visible is not None:
            y_BTU = ops.where(visible[:, :, None], y_BTU, 0)
        if state is None:
            return y_BTU
        return y_BTU, [_last(*pair, visible) for pair in zip(begin, stacks_TBU, strict=True)]

    def compute_output_spec(self, x, visible=None, state=None):
        y = keras.KerasTensor((*x.shape[:2], self.units), dtype=self.compute_dtype)
        if state is None:
            return y
        return y, [keras.KerasTensor((x.shape[0], self.units), dtype=self._precision)] * self.states

    @property
    def _precision(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def _project(self, x, visible):
        """What each step is given by its token, (time, batch, gates * units)."""
        p_TBG = ops.cast(ops.matmul(ops.transpose(x, (1, 0, 2)), self.kernel), self._precision) + self.input_bias()
        if visible is None or not self.reverse:
            return p_TBG
        return ops.where(ops.transpose(visible)[:, :, None], p_TBG, self.shut)

    def input_bias(self):
        """What is added to the product of inputs and kernel."""
        return self.bias

    def recurrence(self):
        """The weights that each step meets: the recurrent kernel first, then biases."""
        return [ops.convert_to_tensor(self.recurrent_kernel)]

    def _forwards(self, p_TBG, *arrays):
        weights, begin = arrays[: -self.states], arrays[-self.states :]

        def step(state, now):
            state = self.step(state, *now, *weights)
            return state, state

        _, stacks = scan(step, begin, (p_TBG,), self.reverse)
        return stacks, (p_TBG, *arrays, *stacks)

    def _backwards(self, kept, gradients):
        count = self.states
        p_TBG, weights, begin, stacks = kept[0], kept[1 : -2 * count], kept[-2 * count : -count], kept[-count:]
        before = [self._before(*pair) for pair in zip(begin, stacks, strict=True)]
        slopes = self.slopes(p_TBG, before, stacks, *weights)
        kernel_GU = transpose(weights[0])

        def back(carried, now):
            return self.back(carried, now[:count], now[count:], kernel_GU)

        zeros = tuple(ops.zeros_like(array) for array in begin)
        carried, totals = scan(back, zeros, (*gradients, *slopes), not self.reverse)
        dp_TBG, ds_TBG = self.spread(totals, slopes)
        rows = ops.reshape(before[0], (-1, self.units)), ops.reshape(ds_TBG, (-1, ds_TBG.shape[-1]))
        biases = [ops.sum(rows[1], axis=0)] * (len(weights) - 1)
        return dp_TBG, transpose(rows[0]) @ rows[1], *biases, *carried

    def _before(self, begin, stack_TBU):
        """The states that the steps began with."""
        parts = [stack_TBU[1:], begin[None]] if self.reverse else [begin[None], stack_TBU[:-1]]
        return ops.concatenate(parts, axis=0)


def _last(begin, stack_TBU, visible):
    """The state after the last token of each text, (batch, units)."""
    if visible is None:
        return stack_TBU[-1]
    stack_TBU = ops.concatenate([begin[None], stack_TBU], axis=0)
    return ops.take_along_axis(stack_TBU, ops.sum(ops.cast(visible, "int32"), axis=1)[None, :, None], axis=0)[0]
