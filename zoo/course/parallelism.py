"""Sequential against parallel: rounds of dependent steps, and the time of a training step, of an RNN and a Transformer.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, table 1: a recurrent layer needs O(n) sequential operations,
self-attention O(1). Rounds are counted by Jacobi iteration (Song et al. 2021, https://arxiv.org/abs/2002.03629): all
positions of all layers are computed at once from the values of the round before, until no value changes. Time is that
of a training step with the same number of tokens at every length: an RNN's work is the same, only its order differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo import layers
from zoo.architectures import Architecture
from zoo.architectures.rnn import RNN
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.course._curves import mean, plot_curves
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._timing import shortest_ms
from zoo.course._training import classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VOCABULARY = 100  # token ids of the timed texts
INPUT_STD = 0.01  # of word vectors for the rounds: so small that tanh forgets nothing
SLOWER = 1.5  # ratio of ratios of times that counts
TIME_CLAIM = "With the same number of tokens a step, longer texts slow an RNN down more than a Transformer."

Layer = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (values of the layer below, its own before) -> its own


@dataclass(frozen=True, kw_only=True)
class Parallelism(Experiment):
    """Rounds of dependent steps and time of a training step, by the length of the texts."""

    number = 8
    untested = (TIME_CLAIM,)

    lengths: tuple[int, ...] = (16, 64, 256)  # tokens of a text
    tokens: int = 2048  # of a training step: tokens / length texts
    width: int = 64  # of word vectors, states and the residual stream
    depth: int = 2  # recurrent layers, and Transformer blocks
    repeats: int = 7  # timed training steps, of which the shortest counts

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        networks = {"RNN": recurrent_layers(self.width, self.depth), "Transformer": blocks(self.width, self.depth)}
        return [
            {
                "network": name,
                "length": length,
                "rounds": jacobi_rounds(networks[name], rng.normal(0, INPUT_STD, (length, self.width))),
                "milliseconds": round(self._milliseconds(architecture, length, rng), 3),
            }
            for length in self.lengths
            for name, architecture in self.architectures().items()
        ]

    def architectures(self) -> dict[str, Architecture]:
        """{name: architecture}, of one width and depth."""
        sizes: dict[str, Any] = {"vocabulary": VOCABULARY, "width": self.width, "depth": self.depth}
        transformer = TransformerEncoder(**sizes, heads=2, hidden=2 * self.width)
        return {"RNN": RNN(**sizes, units=self.width), "Transformer": transformer}

    def _milliseconds(self, architecture, length, rng):
        """The shortest time of a training step."""
        texts = max(self.tokens // length, 1)
        tokens = rng.integers(1, VOCABULARY, (texts, length)).astype("int32")
        model, labels = classifier(architecture, classes=2), rng.integers(0, 2, texts)
        return shortest_ms(lambda: model.train_on_batch({"tokens": tokens}, labels), self.repeats)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        ends = min(self.lengths), max(self.lengths)
        rounds, times = (
            {
                name: [mean(rows, column, network=name, length=length) for length in ends]
                for name in self.architectures()
            }
            for column in ("rounds", "milliseconds")
        )
        growth = {name: long / short for name, (short, long) in times.items()}
        return [
            Finding(
                "The chain of dependent steps of an RNN grows with the length of the text.",
                "rounds {:.0f} at {} tokens, {:.0f} at {}".format(rounds["RNN"][0], ends[0], rounds["RNN"][1], ends[1]),
                rounds["RNN"][1] - rounds["RNN"][0] >= 0.9 * (ends[1] - ends[0]),
            ),
            Finding(
                "A Transformer's chain is as long as its blocks are many, at every length.",
                f"rounds {sorted({row['rounds'] for row in rows if row['network'] == 'Transformer'})}",
                rounds["Transformer"] == [self.depth, self.depth],
            ),
            Finding(
                TIME_CLAIM,
                f"from {ends[0]} to {ends[1]} tokens: time x {growth['RNN']:.1f} and x {growth['Transformer']:.1f}",
                growth["RNN"] > SLOWER * growth["Transformer"],
            ),
        ]

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        plot_curves(left, rows, "length", "rounds", "network")
        left.set(ylabel="rounds of dependent steps")
        plot_curves(right, rows, "length", "milliseconds", "network")
        right.set(ylabel=f"time of a training step of {self.tokens} tokens (ms)", ylim=(0, None))
        for axes in (left, right):
            axes.set(xscale="log", xticks=self.lengths, xticklabels=self.lengths, xlabel="length of a text (tokens)")
            axes.minorticks_off()


def jacobi_rounds(network: Sequence[Layer], x: np.ndarray) -> int:
    """The rounds after which no value changes, where each computes all layers at all positions at once.

    Args:
        network: its layers; each gives its (length, width) values from those of the layer below and its own before.
        x: (length, width) word vectors.
    """
    values, rounds = [np.zeros_like(x) for _ in network], 0
    while _differ(values, updated := _next_round(network, x, values)):
        values, rounds = updated, rounds + 1
    return rounds


def _next_round(network, x, values):
    below = [x, *values[:-1]]
    return [layer(*arrays) for layer, *arrays in zip(network, below, values, strict=True)]


def _differ(values, updated):
    return any(not np.array_equal(*pair) for pair in zip(values, updated, strict=True))


def recurrent_layers(width: int, depth: int) -> list[Layer]:
    """Layers of a plain RNN: the value of a position is a step from the value of the position before."""
    return [_recurrent_layer(width) for _ in range(depth)]


def _recurrent_layer(width):
    x, state = keras.Input((1, width)), keras.Input((width,))
    _, (after,) = layers.RNN(width)(x, state=[state])
    step = keras.Model([x, state], after)

    def layer(below, values):
        before = np.concatenate([np.zeros_like(values[:1]), values[:-1]])
        return np.asarray(step.predict_on_batch([below[:, None], before]))

    return layer


def blocks(width: int, depth: int) -> list[Layer]:
    """Blocks of a Transformer: the values of all positions come from those of the block below."""
    return [_block(width) for _ in range(depth)]


def _block(width):
    x = keras.Input((None, width))
    options: dict[str, Any] = {
        "attention": {"heads": 2},
        "feed_forward": {"hidden": 2 * width},
        "norm": "pre",
        "dropout": 0.0,
    }
    block = keras.Model(x, layers.encoder_block(x, None, **options, name="block"))
    return lambda below, _: np.asarray(block.predict_on_batch(below[None]))[0]


SMALL = Parallelism(lengths=(4, 16), tokens=64, width=8, depth=1, repeats=1)
