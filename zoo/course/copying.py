"""Gates: copying a symbol over many steps of distractors, with a plain RNN, an LSTM, a GRU and a Transformer.

Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735: gates protect what is stored from inputs that
do not matter. Cho et al. 2014, https://arxiv.org/abs/1406.1078 (GRU). The first token of a text is one of `symbols`
symbols; up to 200 random tokens follow, and the network names the symbol at the end. One network of each architecture
is trained on all lags together, each example seen once; the accuracy is that of new texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.architectures import Architecture
from zoo.architectures.gru import GRU
from zoo.architectures.lstm import LSTM
from zoo.architectures.rnn import RNN
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.course._curves import mean, plot_curves
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._training import classifier, predict, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DISTRACTORS = 8  # token ids that carry nothing
LSTM_CLAIM = "The gates of an LSTM keep the symbol where a plain RNN has lost it."
GRU_CLAIM = "The gates of a GRU keep the symbol where a plain RNN has lost it."
MARGIN = 0.1  # difference of accuracies that counts


@dataclass(frozen=True, kw_only=True)
class Copying(Experiment):
    """Accuracy of copying a symbol, by architecture and by the number of tokens after the symbol."""

    number = 7
    untested = (LSTM_CLAIM,)  # an LSTM learns too slowly for a test

    lags: tuple[int, ...] = (5, 10, 20, 50, 100, 200)  # tokens after the symbol
    symbols: int = 32  # different symbols, of which one is to be copied
    width: int = 32  # of word vectors and states
    steps: int = 500  # of the optimizer
    batch_size: int = 32  # texts of a training step
    test_texts: int = 1024  # new texts, on which the accuracy is measured

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        tokens, symbols, _ = self.texts(rng, self.steps * self.batch_size)
        test_tokens, test_symbols, lags = self.texts(rng, self.test_texts)
        rows: list[Row] = []
        for name, architecture in self.architectures().items():
            model = classifier(architecture, self.symbols, pooling="last")
            train(model, {"tokens": tokens}, symbols, learning_rate=0.01, batch_size=self.batch_size)
            correct = predict(model, {"tokens": test_tokens}) == test_symbols
            rows += [
                {"network": name, "lag": lag, "accuracy": round(float(correct[lags == lag].mean()), 4)}
                for lag in self.lags
            ]
        return rows

    def architectures(self) -> dict[str, Architecture]:
        """{name: architecture}, without dropout."""
        sizes: dict[str, Any] = {"vocabulary": 1 + self.symbols + DISTRACTORS, "width": self.width}
        recurrent = sizes | {"units": self.width, "embedding_dropout": 0.0, "dropout": 0.0}
        no_dropout: dict[str, Any] = {"word_dropout": 0.0, "embedding_dropout": 0.0, "dropout": 0.0}
        transformer = TransformerEncoder(**sizes, depth=1, heads=1, hidden=self.width, **no_dropout)
        return {"RNN": RNN(**recurrent), "LSTM": LSTM(**recurrent), "GRU": GRU(**recurrent), "Transformer": transformer}

    def texts(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Texts, (count, longest lag + 1) ids padded with 0, their symbols and their lags."""
        lags, symbols = rng.choice(self.lags, count), rng.integers(0, self.symbols, count)
        tokens = rng.integers(0, DISTRACTORS, (count, max(self.lags) + 1)) + 1 + self.symbols
        tokens[:, 0] = symbols + 1
        padding = np.arange(max(self.lags) + 1) > lags[:, None]
        return np.where(padding, 0, tokens).astype("int32"), symbols, lags

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        longest = max(self.lags)
        accuracy = {name: mean(rows, "accuracy", network=name, lag=longest) for name in self.architectures()}
        return [
            Finding(
                "A plain RNN loses the symbol among many tokens.",
                f"accuracy {accuracy['RNN']:.2f} after {longest} tokens",
                accuracy["RNN"] < 1 - MARGIN,
            ),
            self._gate_finding(LSTM_CLAIM, accuracy["LSTM"], accuracy["RNN"]),
            self._gate_finding(GRU_CLAIM, accuracy["GRU"], accuracy["RNN"]),
            Finding(
                "A Transformer copies from any distance: attention reaches each token in one step.",
                f"accuracy {accuracy['Transformer']:.2f} after {longest} tokens",
                accuracy["Transformer"] > 1 - MARGIN,
            ),
        ]

    def _gate_finding(self, claim, gated, plain):
        measured = f"accuracy {gated:.2f} against {plain:.2f} after {max(self.lags)} tokens"
        return Finding(claim, measured, gated - plain > MARGIN)

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        axes = figure.add_subplot()
        plot_curves(axes, rows, "lag", "accuracy", "network")
        axes.axhline(1 / self.symbols, color="grey", linestyle=":")
        axes.text(max(self.lags), 1 / self.symbols, "chance", ha="right", va="bottom", color="grey")
        axes.set(xscale="log", xticks=self.lags, xticklabels=self.lags, ylim=(0, 1.03))
        axes.minorticks_off()
        axes.set(xlabel="tokens after the symbol", ylabel="accuracy")


SMALL = Copying(lags=(5, 20, 100), symbols=64, width=48, steps=450, test_texts=256)
