"""The base class of recurrent layers: input projection, scan, gradient, padding and state."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor, custom_gradient, fused_recurrence, scan, split, transpose
from zoo.layers.cache import LayerCache
from zoo.layers.lora import effective_kernel, matmul
from zoo.runtime.errors import UserError


class Recurrent(keras.layers.Layer):
    """Base class of recurrent layers: (batch, time, features) to (batch, time, units), zeros at padding.

    With `reverse` each text is read from its own end. Steps are computed in float32, whatever the dtype policy.
    A subclass defines the cell: `mask_padding`, `step` and `step_gradient`.
    """

    lora_targets = ("kernel", "recurrent_kernel")
    gates = 1  # vectors that a step computes from its input
    state_count = 1  # vectors of the state; the first is the layer's output

    def __init__(self, units: int, reverse: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.reverse = reverse

    def build(self, x_shape):
        size = self.gates * self.units
        self.kernel = self.add_weight((x_shape[-1], size), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, size), initializer="orthogonal", autocast=False, name="recurrent_kernel"
        )
        bias = self.initial_bias()
        self.bias = self.add_weight(bias.shape, initializer=lambda *_, **__: bias, autocast=False, name="bias")
        count = len(self.recurrent_weights())
        self._run = custom_gradient(partial(self._forward, count), partial(self._backward, count))

    def mask_padding(self, p: Tensor, padding: Tensor) -> Tensor:
        """The input projection `p` where `padding` is 0; inputs that keep a state of zeros at zeros where it is 1."""
        raise NotImplementedError

    def step(self, state: tuple, p: tuple, *weights: Tensor) -> tuple[tuple, tuple]:
        """The next state and the activations of the gates, (batch, units) each; `p` has one array for each gate."""
        raise NotImplementedError

    def step_gradient(
        self, state_gradients: tuple, output_gradients: tuple, before: tuple, after: tuple, gates: tuple, kernel: Tensor
    ) -> tuple[tuple, tuple]:
        """The gradients of the state before a step, and of its inputs and of the product of state and recurrent kernel.

        The last two are (batch, gates * units), a single array if they are equal.

        Args:
            state_gradients, output_gradients: of the state after the step, from later steps and the layer's outputs.
            before, after, gates: the state before and after the step, and the activations of the gates.
            kernel: the transposed recurrent kernel.
        """
        raise NotImplementedError

    def initial_bias(self) -> np.ndarray:
        """The bias of an untrained layer."""
        return np.zeros(self.gates * self.units)

    def initial_state(self, batch: int) -> list:
        """The state before the first token: `states` arrays of zeros, (batch, units)."""
        return [ops.zeros((batch, self.units), self._state_dtype) for _ in range(self.state_count)]

    def call(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        state: Sequence[Tensor] | None = None,
        cache: LayerCache | None = None,
    ) -> Any:
        """Features of texts, (batch, time, units); with a `state` also the state after the last token of each text.

        Args:
            x: (batch, time, features).
            padding_mask: (batch, time) booleans, False at padding, which follows the text; None: there is no padding.
            state: state before the first token, as an earlier call returned it; None: `initial_state`.
            cache: a `LayerCache` of the state, which has the mask of the new tokens.

        Raises UserError for a `state` with `reverse`: the end of the text is not known yet.
        """
        if state is not None and self.reverse:
            raise UserError(f"A state can only be passed forwards. Received: reverse=True in layer {self.name!r}.")
        if state is not None:  # Keras casts the arguments of a layer
            state = [ops.cast(array, self._state_dtype) for array in state]
        if cache is not None:
            return self._call_cached(x, state, cache)
        x_TBM = ops.transpose(x, (1, 0, 2))
        if state is None:
            return self._features(self._fused(x_TBM, padding_mask) or self._scan(x_TBM, padding_mask), padding_mask)
        stacks_TBU = self._scan(x_TBM, padding_mask, state)
        last = [last_state(*pair, padding_mask) for pair in zip(state, stacks_TBU, strict=True)]
        return self._features(stacks_TBU, padding_mask), last

    def _call_cached(self, x, state, cache: LayerCache):
        before = state if cache.state is None else cache.state
        before = self.initial_state(ops.shape(x)[0]) if before is None else before
        y, last = self.call(x, cache.padding_mask(), before)
        cache.state = tuple(last)
        return y if state is None else (y, last)

    def compute_output_spec(self, x, padding_mask=None, state=None):
        y = keras.KerasTensor((*x.shape[:2], self.units), dtype=self.compute_dtype)
        if state is None:
            return y
        return y, [keras.KerasTensor((x.shape[0], self.units), dtype=self._state_dtype)] * self.state_count

    @property
    def _state_dtype(self):
        return "float64" if self.compute_dtype == "float64" else "float32"

    def project(self, x_TBM: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """The input projection of all steps, x W + b: (time, batch, gates * units)."""
        p_TBG = ops.cast(matmul(x_TBM, self), self._state_dtype) + self.input_bias()
        if padding_mask is None or not self.reverse:
            return p_TBG
        padding_TB1 = ops.cast(ops.logical_not(ops.transpose(padding_mask)), p_TBG.dtype)[:, :, None]
        return self.mask_padding(p_TBG, padding_TB1)

    def input_bias(self) -> Tensor:
        """The bias of the input projection."""
        return self.bias

    def recurrent_weights(self) -> list:
        """The weights of each step: the recurrent kernel first, then biases."""
        return [effective_kernel(self, "recurrent_kernel")]

    def _features(self, stacks_TBU, padding_mask):
        y_BTU = ops.cast(ops.transpose(stacks_TBU[0], (1, 0, 2)), self.compute_dtype)
        return y_BTU if padding_mask is None else y_BTU * ops.cast(padding_mask, y_BTU.dtype)[:, :, None]

    def _fused(self, x_TBM, padding_mask):
        """The features, (time, batch, units), in a list, by a fused kernel; None where the device has none."""
        weights = [effective_kernel(self), effective_kernel(self, "recurrent_kernel"), ops.convert_to_tensor(self.bias)]
        y_TBU = fused_recurrence(type(self).__name__, x_TBM, padding_mask, self.reverse, weights)
        return None if y_TBU is None else [y_TBU]

    def _scan(self, x_TBM, padding_mask, state=None):
        """The states after all steps, a list of (time, batch, units)."""
        state = self.initial_state(ops.shape(x_TBM)[1]) if state is None else state
        return self._run(self.project(x_TBM, padding_mask), *self.recurrent_weights(), *state)

    def _forward(self, count, p_TBG, *arrays):
        weights, first = arrays[:count], arrays[count:]

        def step(state, p):
            state, gates = self.step(state, p, *weights)
            return state, (*state, *gates)

        _, stacks = scan(step, first, tuple(split(p_TBG, self.gates)), self.reverse)
        return stacks[: self.state_count], (*arrays, *stacks)

    def _backward(self, count, residuals, gradients):
        size, kernel_GU, residuals = self.state_count, transpose(residuals[0]), residuals[count:]
        first, states, gates = residuals[:size], residuals[size : 2 * size], residuals[2 * size :]
        before = [self._before(*pair) for pair in zip(first, states, strict=True)]

        def step(state_gradients, inputs):
            parts = inputs[:size], inputs[size : 2 * size], inputs[2 * size : 3 * size], inputs[3 * size :]
            return self.step_gradient(state_gradients, *parts, kernel_GU)

        zeros = tuple(ops.zeros_like(array) for array in first)
        state_gradients, step_gradients = scan(step, zeros, (*gradients, *before, *states, *gates), not self.reverse)
        ds_RG = ops.reshape(step_gradients[-1], (-1, kernel_GU.shape[0]))
        biases = [ops.sum(ds_RG, axis=0)] * (count - 1)
        kernel_gradient = transpose(ops.reshape(before[0], (-1, self.units))) @ ds_RG
        return step_gradients[0], kernel_gradient, *biases, *state_gradients

    def _before(self, first, stack_TBU):
        """The states before each step."""
        parts = [stack_TBU[1:], first[None]] if self.reverse else [first[None], stack_TBU[:-1]]
        return ops.concatenate(parts, axis=0)


def last_state(first: Tensor, stack_TBU: Tensor, padding_mask: Tensor | None) -> Tensor:
    """The state after the last token of each text, (batch, units).

    Args:
        first: (batch, units), the state before the first token, returned for a text without a token.
        stack_TBU: the states after all steps.
        padding_mask: (batch, time) booleans; None: there is no padding.
    """
    if padding_mask is None:
        return stack_TBU[-1]
    stack_TBU = ops.concatenate([first[None], stack_TBU], axis=0)
    lengths_B = ops.sum(ops.cast(padding_mask, "int32"), axis=1)
    return ops.take_along_axis(stack_TBU, lengths_B[None, :, None], axis=0)[0]
