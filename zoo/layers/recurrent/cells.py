"""The recurrent cells RNN, LSTM and GRU: one step and its gradient."""

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor, concatenate, sigmoid, sigmoid_gradient, split, tanh, tanh_gradient
from zoo.layers.recurrent.keras_layer import KerasRecurrent

SATURATED = 1e4  # input of a gate whose sigmoid is then exactly 0 or 1, in float16 too


@keras.saving.register_keras_serializable(package="zoo")
class RNN(KerasRecurrent):
    """The simple (Elman) recurrent layer: h = tanh(x W + h U + b).

    Args:
        units: width of the state and of the output.
        reverse: read each text from its end; outputs stay in the order of the text.
        return_sequences: a vector for each token; else the vector after the last one.
        return_state: return `[outputs, *state]`.
        go_backwards: as `reverse`, with the outputs last token first: `keras.layers.Bidirectional` sets it.

    >>> layers.RNN(8)(keras.Input((5, 16))).shape
    (None, 5, 8)
    """

    def mask_padding(self, p, padding):
        return p * (1 - padding)

    def step(self, state, p, kernel):
        return (tanh(p[0] + state[0] @ kernel),), ()

    def step_gradient(self, state_gradients, output_gradients, before, after, gates, kernel):
        ds = tanh_gradient(output_gradients[0] + state_gradients[0], after[0])
        return (ds @ kernel,), (ds,)


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(KerasRecurrent):
    """Long short-term memory (LSTM); gates in the order input, forget, candidate, output.

    The forget gate's bias is initialised with 1 (Jozefowicz 2015, section 2.2,
    https://proceedings.mlr.press/v37/jozefowicz15).

    Args:
        units: width of the state and of the output.
        reverse: read each text from its end; outputs stay in the order of the text.
        return_sequences: a vector for each token; else the vector after the last one.
        return_state: return `[outputs, *state]`.
        go_backwards: as `reverse`, with the outputs last token first: `keras.layers.Bidirectional` sets it.

    >>> layers.LSTM(8)(keras.Input((5, 16)), padding_mask=keras.Input((5,), dtype="bool")).shape
    (None, 5, 8)
    >>> keras.layers.Bidirectional(layers.LSTM(8))(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    gates = 4
    gate_names = ("input", "forget", "candidate", "output")
    state_count = 2

    def initial_bias(self):
        return np.repeat([0.0, 1.0, 0.0, 0.0], self.units)

    def mask_padding(self, p, padding):
        return p - SATURATED * padding

    def step(self, state, p, kernel):
        h, c = state
        i, f, g, o = _sums(p, h @ kernel)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * c + i * g
        return (o * tanh(c), c), (i, f, g, o)

    def perturb(self, state, gates, offsets):
        (_, c), (h_offset, c_offset) = state, offsets
        return gates[3] * tanh(c + c_offset) + h_offset, c + c_offset

    def step_gradient(self, state_gradients, output_gradients, before, after, gates, kernel):
        i, f, g, o = gates
        tanh_c = tanh(after[1])
        dh = output_gradients[0] + state_gradients[0]
        dc = output_gradients[1] + state_gradients[1] + tanh_gradient(dh * o, tanh_c)
        di, df = sigmoid_gradient(dc * g, i), sigmoid_gradient(dc * before[1], f)
        dg, do = tanh_gradient(dc * i, g), sigmoid_gradient(dh * tanh_c, o)
        ds = concatenate([di, df, dg, do])
        return (ds @ kernel, dc * f), (ds,)


@keras.saving.register_keras_serializable(package="zoo")
class GRU(KerasRecurrent):
    """Gated recurrent unit (GRU); gates in the order update, reset, candidate. The bias has rows for x W and h U.

    Args:
        units: width of the state and of the output.
        reverse: read each text from its end; outputs stay in the order of the text.
        return_sequences: a vector for each token; else the vector after the last one.
        return_state: return `[outputs, *state]`.
        go_backwards: as `reverse`, with the outputs last token first: `keras.layers.Bidirectional` sets it.

    >>> layers.GRU(8, return_sequences=False)(keras.Input((5, 16))).shape
    (None, 8)
    """

    gates = 3
    gate_names = ("update", "reset", "candidate")

    def initial_bias(self):
        return np.zeros((2, self.gates * self.units))

    def input_bias(self) -> Tensor:
        return self.bias[0]

    def mask_padding(self, p, padding):
        return p + SATURATED * padding

    def recurrent_weights(self) -> list:
        return [*super().recurrent_weights(), ops.convert_to_tensor(self.bias)[1]]

    def step(self, state, p, kernel, bias):
        (h,) = state
        z, r, n = p
        hz, hr, hn = split(h @ kernel + bias, 3)
        z, r = sigmoid(z + hz), sigmoid(r + hr)
        n = tanh(n + r * hn)
        return (n + z * (h - n),), (z, r, n, hn)

    def step_gradient(self, state_gradients, output_gradients, before, after, gates, kernel):
        z, r, n, hn = gates
        dh = output_gradients[0] + state_gradients[0]
        dz, dn = sigmoid_gradient(dh * (before[0] - n), z), tanh_gradient(dh - dh * z, n)
        dr = sigmoid_gradient(dn * hn, r)
        ds = concatenate([dz, dr, dn * r])
        return (dh * z + ds @ kernel,), (concatenate([dz, dr, dn]), ds)


def _sums(inputs, product):
    """Each gate's input added to its part of the product of state and kernel."""
    return [x + h for x, h in zip(inputs, split(product, len(inputs)), strict=True)]
