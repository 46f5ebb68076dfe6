"""Seq2seq with a fixed context vector against attention: accuracy of a translation over the length of the source.

Cho et al. 2014, https://arxiv.org/abs/1409.1259: an encoder-decoder that passes one vector gets worse quickly as
sentences grow. Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473, and Luong et al. 2015,
https://arxiv.org/abs/1508.04025: a decoder with attention reads the source again at each step. A text of random words
is translated word by word, by a dictionary that the network learns. Both networks are GRUs of the same width, and one
has attention besides; each pair is seen once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.course._curves import mean, plot_curves
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._training import predict, train
from zoo.layers import GRU, DecoderAttention, Dense, PaddingMask, Pooling, SinusoidalPositions, TokenEmbedding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIXED, ATTENTION = "fixed context", "attention"
MARGIN = 0.1  # difference of accuracies that counts


@dataclass(frozen=True, kw_only=True)
class FixedContext(Experiment):
    """Accuracy of the next word of a translation, given the right words before it, by the length of the source."""

    number = 12

    lengths: tuple[int, ...] = (2, 5, 10, 15, 20)  # words of a source
    words: int = 20  # of the dictionary
    units: int = 64  # of word vectors and states
    steps: int = 1000  # of the optimizer
    batch_size: int = 32  # texts of a training step
    test_texts: int = 1024  # new texts, on which the accuracy is measured

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        dictionary = np.concatenate([[0], rng.permutation(self.words) + 1])
        inputs, translations = self.texts(rng, dictionary, self.steps * self.batch_size)
        test_inputs, test_translations = self.texts(rng, dictionary, self.test_texts)
        is_word = test_translations > 0
        rows: list[Row] = []
        for name in (FIXED, ATTENTION):
            model = self.network(attention=name == ATTENTION)
            train(model, inputs, translations, learning_rate=0.005, batch_size=self.batch_size)
            correct = predict(model, test_inputs) == test_translations
            for length in self.lengths:
                texts = is_word.sum(axis=1) == length
                accuracy = round(float(correct[texts][is_word[texts]].mean()), 4)
                rows.append({"network": name, "length": length, "accuracy": accuracy})
        return rows

    def texts(
        self, rng: np.random.Generator, dictionary: np.ndarray, count: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs of the network, and translations, (count, longest) ids padded with 0.

        The decoder's input is the translation, shifted right by an id of its own.
        """
        longest = max(self.lengths)
        source = rng.integers(1, self.words + 1, (count, longest))
        source[np.arange(longest) >= rng.choice(self.lengths, count)[:, None]] = 0
        translations = dictionary[source].astype("int32")
        start = np.full((count, 1), self.words + 1)
        target = np.concatenate([start, translations[:, :-1]], axis=1)
        return {"source": source.astype("int32"), "target": target.astype("int32")}, translations

    def network(self, attention: bool) -> keras.Model:
        """Logits of the translation, (batch, time, words), from {"source", "target"} ids.

        Args:
            attention: whether the decoder attends to all states of the encoder at each step, or has the last only.
        """
        source, target = (keras.Input((max(self.lengths),), dtype="int32", name=name) for name in ("source", "target"))
        padding_mask = PaddingMask(name="padding_mask")(source)
        encoded = GRU(self.units, name="encoder")(self._embed(source, "source_embedding"), padding_mask)
        context = Pooling("last", name="fixed_context")(encoded, padding_mask)
        y, _ = GRU(self.units, name="decoder")(self._embed(target, "target_embedding"), state=[context])
        if attention:
            contexts = DecoderAttention(self.units, "general", name="attention")(y, encoded, padding_mask)
            y = keras.layers.Concatenate(name="state_and_context")([y, contexts])
        y = Dense(self.units, "tanh", name="readout")(y)
        return keras.Model({"source": source, "target": target}, Dense(self.words + 1, name="logits")(y))

    def _embed(self, tokens, name):
        """Word vectors with their positions, which help to align."""
        x = TokenEmbedding(self.words + 2, self.units, embeddings_initializer="normal", name=name)(tokens)
        return SinusoidalPositions(name=f"{name}_positions")(x)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        ends = min(self.lengths), max(self.lengths)
        fixed, attention = (
            [mean(rows, "accuracy", network=name, length=length) for length in ends] for name in (FIXED, ATTENTION)
        )
        return [
            Finding(
                "With a fixed context vector, the accuracy falls as sources grow.",
                f"accuracy {fixed[0]:.2f} at {ends[0]} words, {fixed[1]:.2f} at {ends[1]}",
                fixed[0] - fixed[1] > MARGIN,
            ),
            Finding(
                "With attention it falls less.",
                f"accuracy {attention[0]:.2f} at {ends[0]} words, {attention[1]:.2f} at {ends[1]}",
                (fixed[0] - fixed[1]) - (attention[0] - attention[1]) > MARGIN,
            ),
        ]

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        axes = figure.add_subplot()
        plot_curves(axes, rows, "length", "accuracy", "network")
        axes.axhline(1 / self.words, color="grey", linestyle=":")
        axes.text(max(self.lengths), 1 / self.words, "chance", ha="right", va="bottom", color="grey")
        axes.set(xticks=self.lengths, ylim=(0, 1.03))
        axes.set(xlabel="words of the source", ylabel="accuracy of the next word")


SMALL = FixedContext(lengths=(2, 12), words=10, units=24, steps=300, test_texts=256)
