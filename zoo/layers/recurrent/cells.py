"""The three cells: what one step computes, and the gradient of it."""

import keras
import numpy as np
from keras import ops

from zoo.backend import concatenate, sigmoid, sigmoid_gradient, split, tanh, tanh_gradient
from zoo.layers.recurrent.layer import Recurrent

SHUT = 1e4  # a gate with this input is shut: its sigmoid is exactly 0 or 1, in float16 too


@keras.saving.register_keras_serializable(package="zoo")
class RNN(Recurrent):
    """The plain recurrent layer: h = tanh(x W + h U + b)."""

    def shut(self, p, hidden):
        return p * (1 - hidden)

    def step(self, state, p, kernel):
        return (tanh(p[0] + state[0] @ kernel),), ()

    def back(self, carried, gradients, before, states, gates, kernel):
        ds = tanh_gradient(gradients[0] + carried[0], states[0])
        return (ds @ kernel,), (ds,)


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(Recurrent):
    """Long short-term memory; gates in the order input, forget, candidate, output.

    The forget gate's bias begins at 1 (Jozefowicz 2015, section 2.2, https://proceedings.mlr.press/v37/jozefowicz15).
    """

    gates = 4
    states = 2

    def first_bias(self):
        return np.repeat([0.0, 1.0, 0.0, 0.0], self.units)

    def shut(self, p, hidden):
        return p - SHUT * hidden

    def step(self, state, p, kernel):
        h, c = state
        i, f, g, o = _sums(p, h @ kernel)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * c + i * g
        return (o * tanh(c), c), (i, f, g, o)

    def back(self, carried, gradients, before, states, gates, kernel):
        i, f, g, o = gates
        shown = tanh(states[1])
        dh = gradients[0] + carried[0]
        dc = gradients[1] + carried[1] + tanh_gradient(dh * o, shown)
        di, df = sigmoid_gradient(dc * g, i), sigmoid_gradient(dc * before[1], f)
        dg, do = tanh_gradient(dc * i, g), sigmoid_gradient(dh * shown, o)
        ds = concatenate([di, df, dg, do])
        return (ds @ kernel, dc * f), (ds,)


@keras.saving.register_keras_serializable(package="zoo")
class GRU(Recurrent):
    """The gated recurrent unit; gates in the order update, reset, candidate. The second row of the bias is U's."""

    gates = 3

    def first_bias(self):
        return np.zeros((2, self.gates * self.units))

    def input_bias(self):
        return self.bias[0]

    def shut(self, p, hidden):
        return p + SHUT * hidden

    def recurrence(self):
        return [*super().recurrence(), ops.convert_to_tensor(self.bias)[1]]

    def step(self, state, p, kernel, bias):
        (h,) = state
        z, r, n = p
        to_z, to_r, to_n = split(h @ kernel + bias, 3)
        z, r = sigmoid(z + to_z), sigmoid(r + to_r)
        n = tanh(n + r * to_n)
        return (n + z * (h - n),), (z, r, n, to_n)

    def back(self, carried, gradients, before, states, gates, kernel):
        z, r, n, to_n = gates
        dh = gradients[0] + carried[0]
        dz, dn = sigmoid_gradient(dh * (before[0] - n), z), tanh_gradient(dh - dh * z, n)
        dr = sigmoid_gradient(dn * to_n, r)
        ds = concatenate([dz, dr, dn * r])
        return (dh * z + ds @ kernel,), (concatenate([dz, dr, dn]), ds)


def _sums(inputs, matmul):
    """Each gate's input added to its part of the product of state and kernel."""
    return [one + other for one, other in zip(inputs, split(matmul, len(inputs)), strict=True)]
