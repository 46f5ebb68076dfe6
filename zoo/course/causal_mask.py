"""The causal mask: the gradient of a token's features by every later token is exactly zero.

Vaswani et al. 2017, Attention Is All You Need, section 3.2.3, https://arxiv.org/abs/1706.03762: a decoder masks the
scores of later tokens with -∞ before the softmax. Untrained networks of the catalog, from word vectors to features:
GPT-2 has the mask, BERT has none, and an LSTM needs none, since it reads from left to right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from keras import ops
from matplotlib.colors import LogNorm

from zoo import backend, catalog
from zoo.backend.keras_private import run_graph
from zoo.course import Experiment, Finding

NETWORKS = ("gpt2", "bert", "lstm")  # causal mask, no mask, recurrent


@dataclass(frozen=True, kw_only=True)
class CausalMask(Experiment):
    """The gradient of each token's features by each token's word vector, for three untrained networks."""

    number = 5

    length: int = 10  # of the text, tokens
    width: int = 64  # of the word vectors, which are random, components

    def measure(self, seed: int) -> list[dict]:
        rng = np.random.default_rng(seed)
        text, other = rng.normal(size=(2, 1, self.length, self.width)).astype("float32")
        other[0, :-1] = text[0, :-1]  # it differs in the last token
        return [row for name in NETWORKS for row in self._rows(name, text, other, rng)]

    def _rows(self, name, text, other, rng):
        backbone = self._architecture(name).backbone()
        change = np.abs(ops.convert_to_numpy(_features(backbone, text) - _features(backbone, other)))[0].max(-1)
        for (output, token), gradient in np.ndenumerate(_gradients(backbone, text, rng)):
            yield {
                "network": name,
                "output": output,
                "input": token,
                "gradient": float(gradient),
                "change": float(change[output]),
            }

    def _architecture(self, name):
        architecture = catalog.create("architectures", name)
        return replace(architecture, width=self.width)

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        later = {
            name: [row for row in rows if row["network"] == name and row["input"] > row["output"]] for name in NETWORKS
        }
        gradient = {name: max(row["gradient"] for row in later[name]) for name in NETWORKS}
        change = {name: max(row["change"] for row in later[name]) for name in NETWORKS}
        by_itself = min(row["gradient"] for row in rows if row["input"] == row["output"])
        return [
            Finding(
                "With the causal mask, the gradient from later tokens is exactly zero.",
                f"GPT-2, largest gradient by a later token: {gradient['gpt2']:g}; by itself at least {by_itself:.1e}",
                gradient["gpt2"] == 0 < by_itself,
            ),
            Finding(
                "With the causal mask, another last token changes the features of no earlier one.",
                f"GPT-2, largest change: {change['gpt2']:g}",
                change["gpt2"] == 0,
            ),
            Finding(
                "Without the mask, every token depends on later ones.",
                f"BERT, largest gradient by a later token: {gradient['bert']:.1e}, change: {change['bert']:.1e}",
                all(row["gradient"] > 0 for row in later["bert"]) and change["bert"] > 0,
            ),
            Finding(
                "A recurrent network is causal without a mask.",
                f"LSTM, largest gradient by a later token: {gradient['lstm']:g}, change: {change['lstm']:g}",
                gradient["lstm"] == change["lstm"] == 0,
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        """Means over the seeds, relative to the largest of a network; zeros stay white."""
        axes = figure.subplots(1, len(NETWORKS))
        for ax, name in zip(axes, NETWORKS, strict=True):
            matrix = self._matrix(rows, name)
            image = ax.imshow(np.ma.masked_equal(matrix / matrix.max(), 0), cmap="viridis", norm=LogNorm(1e-4, 1))
            ax.set(xlabel="word vector of token", title=name)
            ax.set_xticks(range(0, self.length, 2))
            ax.set_yticks(range(0, self.length, 2))
        axes[0].set_ylabel("features of token")
        figure.colorbar(image, ax=axes, shrink=0.7, label="gradient / largest; white: exactly 0")

    def _matrix(self, rows, name):
        values = [row["gradient"] for row in rows if row["network"] == name]
        return np.reshape(values, (-1, self.length, self.length)).mean(0)


def _features(backbone, vectors):
    """The features of texts, (texts, time, width), from their word vectors on."""
    ids = [np.ones(vectors.shape[:2], "int32")] * len(backbone.inputs)  # of no padding
    return run_graph(backbone, ids, lambda layer: (lambda *_: vectors) if layer.name == "embedding" else layer)


def _gradients(backbone, text, rng):
    """Norms of the gradients of each token's features, along a random direction, by each word vector: (time, time)."""
    length = text.shape[1]
    direction = np.eye(length)[..., None] * rng.normal(size=backbone.output.shape[-1])  # a token of each copy
    direction = ops.convert_to_tensor(direction, "float32")
    copies = np.repeat(text, length, axis=0)
    _, (gradient,) = backend.value_and_gradients(lambda x: ops.sum(_features(backbone, x) * direction), copies)
    return np.linalg.norm(ops.convert_to_numpy(gradient), axis=-1)


SMALL = CausalMask(length=5, width=32)
