"""Vanishing and exploding gradients: a plain RNN, LSTM and GRU, by the distance of a token from the loss.

Bengio et al. 1994, https://doi.org/10.1109/72.279181, and Pascanu et al. 2013, https://arxiv.org/abs/1211.5063: the
gradient of a plain recurrent network shrinks or grows exponentially with the distance, as the recurrent weights are
small or large. Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735: gates keep it. Untrained
layers read random vectors; the loss is a random linear function of the last state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo import backend
from zoo.course import Experiment, Finding
from zoo.layers.recurrent.cells import GRU, LSTM, RNN

SMALL_RNN, LARGE_RNN = "RNN, small weights", "RNN, large weights"
LSTM_NEW, GRU_NEW = "LSTM", "GRU"
LSTM_OPEN, GRU_OPEN = "LSTM, open gates", "GRU, open gates"
CELLS = (SMALL_RNN, LARGE_RNN, LSTM_NEW, GRU_NEW, LSTM_OPEN, GRU_OPEN)
UNTRAINED = "Untrained, gates alone keep the gradient."


@dataclass(frozen=True, kw_only=True)
class VanishingGradients(Experiment):
    """The gradient by each input of untrained recurrent layers, relative to that by the last input."""

    number = 6
    untested = (UNTRAINED,)

    length: int = 100  # of the texts, tokens
    units: int = 64  # of the state
    batch: int = 16  # texts, over which norms of gradients are means
    input_scale: float = 0.1  # standard deviation of the input vectors: more saturates tanh
    small: float = 0.8  # singular values of the recurrent weights of the RNN whose gradient shrinks
    large: float = 1.5  # the same of the RNN whose gradient grows
    open_bias: float = 5.0  # of forget and update gates that are open, as training can make them: sigmoid(5) = 0.993

    def measure(self, seed: int) -> list[dict]:
        rng = np.random.default_rng(seed)
        x = self.input_scale * rng.normal(size=(self.batch, self.length, self.units)).astype("float32")
        direction = ops.convert_to_tensor(rng.normal(size=(self.batch, self.units)), "float32")
        return [row for name in CELLS for row in self._rows(name, x, direction)]

    def _rows(self, name, x, direction):
        norms = _gradient_norms(self._layer(name, x.shape), x, direction)[::-1]
        yield from ({"cell": name, "distance": i, "gradient": float(norm / norms[0])} for i, norm in enumerate(norms))

    def _layer(self, name, shape):
        layer = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}[name.partition(",")[0]](self.units, return_sequences=False)
        layer.build(shape)
        if name in (SMALL_RNN, LARGE_RNN):  # the initial recurrent weights are orthogonal: singular values of 1
            layer.recurrent_kernel.assign(layer.recurrent_kernel * (self.small if name == SMALL_RNN else self.large))
        if name == LSTM_OPEN:
            layer.bias.assign(np.repeat([0.0, self.open_bias, 0.0, 0.0], self.units))
        if name == GRU_OPEN:
            layer.bias.assign(np.stack([np.repeat([self.open_bias, 0.0, 0.0], self.units), np.zeros(3 * self.units)]))
        return layer

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        last = self.length - 1
        far = {name: _geometric_mean(rows, name, last) for name in CELLS}
        half = {name: _geometric_mean(rows, name, last // 2) for name in CELLS}
        at = f"gradient {last} tokens back / by the last token"
        return [
            Finding(
                "The gradient of a plain RNN with small weights vanishes exponentially with the distance.",
                f"{at}: {far[SMALL_RNN]:.1e}; {last // 2} tokens back: {half[SMALL_RNN]:.1e}",
                far[SMALL_RNN] < half[SMALL_RNN] / 10 < 0.01,
            ),
            Finding(
                "The gradient of a plain RNN with large weights explodes.",
                f"{at}: {far[LARGE_RNN]:.1e}",
                far[LARGE_RNN] > 10,
            ),
            Finding(
                "Open gates keep the gradient over the whole text.",
                f"{at}: LSTM {far[LSTM_OPEN]:.1e}, GRU {far[GRU_OPEN]:.1e}",
                min(far[LSTM_OPEN], far[GRU_OPEN]) > 0.1,
            ),
            Finding(
                UNTRAINED,
                f"{at}: LSTM {far[LSTM_NEW]:.1e}, GRU {far[GRU_NEW]:.1e}",
                min(far[LSTM_NEW], far[GRU_NEW]) > 0.1,
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        axes = figure.subplots()
        for name, style in zip(CELLS, ("-", "-", "--", "--", ":", ":"), strict=True):
            distances = range(self.length)
            axes.plot(distances, [_geometric_mean(rows, name, i) for i in distances], style, linewidth=2, label=name)
        axes.set(xlabel="distance from the loss, tokens", ylabel="gradient / gradient by the last token", yscale="log")
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right upper")


def _gradient_norms(layer, x, direction):
    """The norm of the loss's gradient by the input at each position: (time,), a mean over the texts."""
    _, (gradient_BTD,) = backend.value_and_gradients(lambda inputs: ops.sum(layer(inputs) * direction), x)
    return np.linalg.norm(ops.convert_to_numpy(gradient_BTD), axis=-1).mean(0)


def _geometric_mean(rows, name, distance):
    """Of the seeds: gradients differ by orders of magnitude."""
    values = [row["gradient"] for row in rows if (row["cell"], row["distance"]) == (name, distance)]
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-300)))))


SMALL = VanishingGradients(length=40, units=16, batch=4)
