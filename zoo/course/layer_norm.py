"""Layer norm: mean and variance of a token's features before and after, and training with and without by depth.

Ba et al. 2016, Layer Normalization, https://arxiv.org/abs/1607.06450, and Xiong et al. 2020,
https://arxiv.org/abs/2002.04745, for the norm before each sublayer (pre) or after it (post). Transformer encoders of
random texts, untrained, and trained to name the one marker word that a text has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.course import Experiment, Finding
from zoo.layers.embedding import TokenEmbedding
from zoo.layers.transformer import encoder_block, layer_norm

NORMS = ("none", "post", "pre")
MARKERS = 4  # words, of which a text has one: the classes
POST = "The norm after each sublayer (post) trains deep networks as well as the norm before it (pre)."


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Experiment):
    """Encoders without norms, with norms after and with norms before each sublayer, for each depth."""

    number = 4
    untested = (POST,)

    depths: tuple[int, ...] = (1, 4, 10)  # encoder blocks
    width: int = 32  # of the residual stream
    heads: int = 2  # of a block
    length: int = 8  # of a text, tokens
    vocabulary: int = 50  # ids
    texts: int = 2048  # of one epoch of training
    batch_size: int = 32  # texts of a step
    learning_rate: float = 3e-3  # of Adam, without warm-up

    def measure(self, seed: int) -> list[dict]:
        rng = np.random.default_rng(seed)
        ids, markers = self._texts(rng)
        return [self._row(depth, norm, ids, markers) for depth in self.depths for norm in NORMS]

    def _texts(self, rng):
        """Random ids with one marker each, (texts, length), and the markers' numbers."""
        ids = rng.integers(1 + MARKERS, self.vocabulary, (self.texts, self.length))
        markers = rng.integers(0, MARKERS, self.texts)
        ids[np.arange(self.texts), rng.integers(0, self.length, self.texts)] = 1 + markers
        return ids.astype("int32"), markers

    def _row(self, depth, norm, ids, markers):
        network = self._network(depth, norm)
        stream = network.get_layer(f"block{depth - 1}_feed_forward_sum").output
        before_BTD = ops.convert_to_numpy(keras.Model(network.input, stream)(ids[:64]))
        after_BTD = ops.convert_to_numpy(keras.layers.LayerNormalization(epsilon=1e-5)(before_BTD))
        losses = self._train(network, ids, markers)
        return {
            "depth": depth,
            "norm": norm,
            "mean_before": float(np.abs(before_BTD.mean(-1)).mean()),
            "variance_before": float(before_BTD.var(-1).mean()),
            "mean_after": float(np.abs(after_BTD.mean(-1)).max()),
            "variance_after": float(after_BTD.var(-1).mean()),
            "loss": losses,
        }

    def _network(self, depth, norm):
        normalize = layer_norm if norm != "none" else lambda x, name: x
        ids = keras.Input((self.length,), dtype="int32")
        init = keras.initializers.RandomNormal(stddev=1.0)
        x = TokenEmbedding(self.vocabulary, self.width, None, embeddings_initializer=init)(ids)
        block = partial(encoder_block, padding_mask=None, attention={"heads": self.heads}, dropout=0.0)
        for i in range(depth):
            kind = "post" if norm == "post" else "pre"
            x = block(x, feed_forward={"hidden": 4 * self.width}, norm=kind, name=f"block{i}", normalize=normalize)
        x = layer_norm(x, "norm") if norm == "pre" else x
        logits = keras.layers.Dense(MARKERS)(keras.layers.GlobalAveragePooling1D()(x))
        return keras.Model(ids, logits)

    def _train(self, network, ids, markers):
        """The mean cross-entropy of the last quarter of the steps of one pass over the texts."""
        network.compile(
            optimizer=keras.optimizers.Adam(self.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=backend.JIT_COMPILE,
        )
        fit = partial(network.fit, batch_size=self.batch_size, verbose=0, shuffle=False)
        count = len(ids) * 3 // 4
        fit(ids[:count], markers[:count])
        return fit(ids[count:], markers[count:]).history["loss"][0]

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        shallow, deep = min(self.depths), max(self.depths)
        loss = {(depth, norm): _mean(rows, "loss", depth, norm) for depth in self.depths for norm in NORMS}
        variance = {norm: _mean(rows, "variance_before", deep, norm) for norm in NORMS}
        mean_after = max(row["mean_after"] for row in rows)
        errors = [abs(row["variance_after"] - 1) for row in rows]
        learned = 0.75 * np.log(MARKERS)  # of the loss of a guess
        return [
            Finding(
                "Layer norm gives the features of every token mean 0 and variance 1.",
                f"largest mean {mean_after:.1e}, largest difference of the variance from 1: {max(errors):.1e}",
                mean_after < 1e-4 and max(errors) < 1e-2,
            ),
            Finding(
                "Without norms the variance of the features grows with every block.",
                f"after {deep} blocks, untrained: {variance['none']:.1e}, with norms before: {variance['pre']:.1f}",
                variance["none"] > 10 * variance["pre"],
            ),
            Finding(
                "A deep network trains with norms and not without; a shallow one needs none.",
                f"loss of none and pre, {shallow} blocks: {loss[shallow, 'none']:.3f} and {loss[shallow, 'pre']:.3f}, "
                f"{deep} blocks: {loss[deep, 'none']:.3g} and {loss[deep, 'pre']:.3f}; a guess: {np.log(MARKERS):.3f}",
                max(loss[shallow, "none"], loss[deep, "pre"]) < learned < np.log(MARKERS) < loss[deep, "none"],
            ),
            Finding(
                POST,
                f"loss of post and pre, {deep} blocks: {loss[deep, 'post']:.3f} and {loss[deep, 'pre']:.3f}",
                loss[deep, "post"] < 2 * loss[deep, "pre"],
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        left, right = figure.subplots(1, 2)
        for norm, style in zip(NORMS, ("o-", "s--", "^:"), strict=True):
            for axes, name in ((left, "variance_before"), (right, "loss")):
                axes.plot(self.depths, [_mean(rows, name, depth, norm) for depth in self.depths], style, label=norm)
        right.axhline(np.log(MARKERS), color="gray", linewidth=1, label="a guess")
        left.set(xlabel="depth, blocks", ylabel="variance of a token's features, untrained", yscale="log")
        right.set(xlabel="depth, blocks", ylabel="cross-entropy after training, nats", yscale="log")
        left.legend(title="norm")
        right.legend(title="norm")


def _mean(rows, name, depth, norm):
    return float(np.mean([row[name] for row in rows if (row["depth"], row["norm"]) == (depth, norm)]))


SMALL = LayerNorm(depths=(1, 8), texts=768)
