"""The three cells: what one step computes, and the gradient of it."""

import keras
import numpy as np
from keras import ops

from zoo.backend import concatenate, sigmoid, split, tanh
from zoo.layers.recurrent.layer import Recurrent

SHUT = 1e4  # a gate with this input is shut: its sigmoid is exactly 0 or 1, in float16 too


@keras.saving.register_keras_serializable(package="zoo")
class RNN(Recurrent):
    """The plain recurrent layer: h = tanh(x W + h U + b)."""

    def step(self, state, p, kernel):
        return (tanh(p + state[0] @ kernel),)

    def slopes(self, p, before, states, kernel):
        return (1 - states[0] * states[0],)

    def back(self, carried, gradients, slopes, kernel):
        dh = gradients[0] + carried[0]
        return ((dh * slopes[0]) @ kernel,), (dh,)

    def spread(self, totals, slopes):
        ds = totals[0] * slopes[0]
        return ds, ds


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(Recurrent):
    """Long short-term memory; gates in the order input, forget, candidate, output.

    The forget gate's bias begins at 1 (Jozefowicz 2015, section 2.2, https://proceedings.mlr.press/v37/jozefowicz15).
    """

    gates = 4
    states = 2
    shut = -SHUT

    def first_bias(self):
        return np.repeat([0.0, 1.0, 0.0, 0.0], self.units)

    def step(self, state, p, kernel):
        h, c = state
        i, f, g, o = split(p + h @ kernel, 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def slopes(self, p, before, states, kernel):
        i, f, g, o = split(p + before[0] @ kernel, 4)
        i, f, g, o, t = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o), tanh(states[1])
        each = concatenate([g * i * (1 - i), before[1] * f * (1 - f), i * (1 - g * g), t * o * (1 - o)])
        return each, f, o * (1 - t * t)

    def back(self, carried, gradients, slopes, kernel):
        each, f, through = slopes
        dh = gradients[0] + carried[0]
        dc = gradients[1] + carried[1] + dh * through
        return ((concatenate([dc, dc, dc, dh]) * each) @ kernel, dc * f), (dh, dc)

    def spread(self, totals, slopes):
        dh, dc = totals
        ds = concatenate([dc, dc, dc, dh]) * slopes[0]
        return ds, ds


@keras.saving.register_keras_serializable(package="zoo")
class GRU(Recurrent):
    """The gated recurrent unit; gates in the order update, reset, candidate. The second row of the bias is U's."""

    gates = 3
    shut = SHUT

    def first_bias(self):
        return np.zeros((2, self.gates * self.units))

    def input_bias(self):
        return self.bias[0]

    def recurrence(self):
        return [*super().recurrence(), ops.convert_to_tensor(self.bias)[1]]

    def step(self, state, p, kernel, bias):
        (h,) = state
        z, r, n = split(p, 3)
        to_z, to_r, to_n = split(h @ kernel + bias, 3)
        n = tanh(n + sigmoid(r + to_r) * to_n)
        return (n + sigmoid(z + to_z) * (h - n),)

    def slopes(self, p, before, states, kernel, bias):
        (h,) = before
        z, r, n = split(p, 3)
        to_z, to_r, to_n = split(h @ kernel + bias, 3)
        z, r = sigmoid(z + to_z), sigmoid(r + to_r)
        n = tanh(n + r * to_n)
        through = (1 - z) * (1 - n * n)
        return concatenate([(h - n) * z * (1 - z), through * to_n * r * (1 - r), through * r]), z, through

    def back(self, carried, gradients, slopes, kernel):
        each, z, _ = slopes
        dh = gradients[0] + carried[0]
        return (dh * z + (concatenate([dh, dh, dh]) * each) @ kernel,), (dh,)

    def spread(self, totals, slopes):
        each, _, through = slopes
        ds = concatenate([totals[0]] * 3) * each
        return concatenate([ds[..., : 2 * self.units], totals[0] * through]), ds
