"""Multi-head attention: one wide head against several of the same total width, and the subspaces that they take.

Vaswani et al. 2017, section 3.2.2, https://arxiv.org/abs/1706.03762: several heads "attend to information from
different representation subspaces at different positions. With a single attention head, averaging inhibits this." The
task needs several positions at once: at each token the network names the tokens that stand `offsets` positions before
it. The network is one layer of causal attention between word vectors with positions and a linear output layer for each
offset; networks with more heads have the same number of weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.course._curves import mean, select, unique
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._training import predict, train
from zoo.layers import Dense, LearnedPositions, MultiHeadAttention, TokenEmbedding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUBSPACE_CLAIM = "The query and key projections of different heads take different subspaces."
MARGIN = 0.1  # difference of accuracies that counts


@dataclass(frozen=True, kw_only=True)
class Heads(Experiment):
    """Accuracy by the number of heads, the positions that each head attends to, and the overlap of their subspaces."""

    number = 11
    untested = (SUBSPACE_CLAIM,)  # does not hold: both heads read where positions are encoded

    heads: tuple[int, ...] = (1, 2, 4)  # attention heads, of width / heads each
    offsets: tuple[int, ...] = (1, 2, 4)  # positions back to the tokens to name
    symbols: int = 8  # different tokens
    length: int = 12  # tokens of a text
    width: int = 32  # of word vectors, and of all heads together
    steps: int = 800  # of the optimizer
    batch_size: int = 32  # texts of a training step
    test_texts: int = 256  # new texts, on which the accuracy is measured

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        tokens, named = self.texts(rng, self.steps * self.batch_size)
        test_tokens, test_named = self.texts(rng, self.test_texts)
        rows: list[Row] = []
        for heads in self.heads:
            model = self.network(heads)
            train(model, tokens, named, learning_rate=0.01, batch_size=self.batch_size)
            correct = predict(model, test_tokens)[:, self.longest :] == test_named[:, self.longest :]
            shared = {"heads": heads, "accuracy": round(float(correct.mean()), 4), "overlap": query_key_overlap(model)}
            weights_HO = self.weights_by_offset(model, test_tokens)
            rows += [
                shared | {"head": head, "offset": offset, "weight": round(float(weights_HO[head, offset]), 4)}
                for head in range(heads)
                for offset in range(self.longest + 1)
            ]
        return rows

    @property
    def longest(self) -> int:
        """The longest offset, before which a text has nothing to name."""
        return max(self.offsets)

    def texts(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Texts, (count, length) ids, and the tokens to name at each of their tokens, (count, length, offsets)."""
        tokens = rng.integers(0, self.symbols, (count, self.length)).astype("int32")
        named = np.stack([np.roll(tokens, offset, axis=1) for offset in self.offsets], axis=-1)
        named[:, : self.longest] = 0
        return tokens, named

    def network(self, heads: int) -> keras.Model:
        """Logits of the tokens to name, (batch, length, offsets, symbols), from ids through one layer of attention."""
        tokens = keras.Input((self.length,), dtype="int32")
        x = TokenEmbedding(self.symbols, self.width, None, name="embedding")(tokens)
        x = LearnedPositions(self.length, name="positions")(x)
        x = MultiHeadAttention(heads, causal=True, name="attention")(x)
        x = Dense(len(self.offsets) * self.symbols, name="logits")(x)
        return keras.Model(tokens, keras.layers.Reshape((self.length, len(self.offsets), self.symbols))(x))

    def weights_by_offset(self, model: keras.Model, tokens: np.ndarray) -> np.ndarray:
        """Mean attention weights, (heads, longest + 1), of the tokens 0, 1, 2 ... positions before the query."""
        weights_BHTS, queries = attention_weights(model, tokens), np.arange(self.longest, self.length)
        by_offset = [weights_BHTS[:, :, queries, queries - offset] for offset in range(self.longest + 1)]
        return np.stack([weights.mean(axis=(0, 2)) for weights in by_offset], axis=1)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        accuracy = {heads: mean(rows, "accuracy", heads=heads) for heads in self.heads}
        fewest, best = min(self.heads), max(self.heads[1:], key=accuracy.__getitem__)
        distance = float(np.mean([self._head_distance(rows, best, seed) for seed in unique(rows, "seed")]))
        overlap, chance = mean(rows, "overlap", heads=best), 1 / best
        return [
            Finding(
                "Several heads find several positions at once better than one head of the same total width.",
                ", ".join(f"{heads} heads: accuracy {value:.2f}" for heads, value in accuracy.items()),
                accuracy[best] - accuracy[fewest] > MARGIN,
            ),
            Finding(
                "Different heads attend to different positions.",
                f"two of {best} heads share {1 - distance:.2f} of their attention weight",
                distance > 0.5,
            ),
            Finding(
                SUBSPACE_CLAIM,
                f"overlap {overlap:.2f} of {best} heads, {chance:.2f} of random ones",
                overlap < chance,
            ),
        ]

    def _head_distance(self, rows, heads, seed):
        """The mean total variation distance of the attention weights of two heads: 0 alike, 1 at other positions."""
        weights_HO = self._weights(rows, heads, seed)
        pairs = combinations(range(heads), 2)
        return float(np.mean([np.abs(weights_HO[i] - weights_HO[j]).sum() / 2 for i, j in pairs]))

    def _weights(self, rows, heads, seed):
        """The column of mean attention weights, (heads, longest + 1)."""
        weights = [row["weight"] for row in select(rows, heads=heads, seed=seed)]
        return np.reshape(weights, (heads, self.longest + 1))

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        left, *panels = figure.subplots(1, 1 + len(self.heads))
        left.bar([str(heads) for heads in self.heads], [mean(rows, "accuracy", heads=heads) for heads in self.heads])
        left.set(xlabel="heads", ylabel="accuracy", ylim=(0, 1.03))
        seed = rows[0]["seed"]
        for axes, heads in zip(panels, self.heads, strict=True):
            weights_HO = self._weights(rows, heads, seed)
            image = axes.imshow(weights_HO, vmin=0, vmax=1, cmap="viridis", aspect="auto")
            axes.set(yticks=range(heads), xlabel="positions back", ylabel="head", title=f"{heads} heads")
        figure.colorbar(image, ax=panels, label="mean attention weight")


def attention_weights(model: keras.Model, tokens: np.ndarray) -> np.ndarray:
    """The weights of the model's causal attention, (batch, heads, time, time)."""
    x = keras.Model(model.input, model.get_layer("positions").output).predict(tokens, verbose=0)
    return _array(model.get_layer("attention").trace(keras.ops.convert_to_tensor(x)).weight)


def query_key_overlap(model: keras.Model) -> float:
    """The mean overlap of the query subspaces of two heads, and of the key subspaces: 0 orthogonal, 1 the same.

    That of two subspaces of d dimensions is the mean squared cosine of their principal angles; of random ones it is
    d / width on average, of a single head it is 1.
    """
    layer = model.get_layer("attention")
    pairs = list(combinations(range(layer.heads), 2)) or [(0, 0)]
    overlaps = []
    for dense in (layer.query, layer.key):
        kernel_MHD = np.reshape(_array(dense.kernel), (dense.kernel.shape[0], layer.heads, -1))
        bases_HMD, _ = np.linalg.qr(kernel_MHD.transpose(1, 0, 2))
        overlaps += [np.mean(np.linalg.svd(bases_HMD[i].T @ bases_HMD[j])[1] ** 2) for i, j in pairs]
    return round(float(np.mean(overlaps)), 4)


def _array(variable):
    return keras.ops.convert_to_numpy(variable)


SMALL = Heads(heads=(1, 2), offsets=(1, 3), symbols=6, length=8, width=16, steps=400)
