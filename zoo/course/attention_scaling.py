"""Why attention divides by √d_k: entropy of the softmax, and its gradient, over d_k with and without scaling.

Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, https://arxiv.org/abs/1706.03762: products of queries and
keys whose components have mean 0 and variance 1 have variance d_k, "pushing the softmax function into regions where it
has extremely small gradients". Here queries and keys are such vectors, and the loss is a random linear function of the
attention weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo import backend
from zoo.course import Experiment, Finding


@dataclass(frozen=True, kw_only=True)
class AttentionScaling(Experiment):
    """The softmax of many queries over their keys, for each d_k, with scores divided by √d_k and without."""

    number = 3

    widths: tuple[int, ...] = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # d_k, components
    keys: int = 32  # that a query attends to
    queries: int = 512  # over which variance and entropy are means, and gradients medians

    def measure(self, seed: int) -> list[dict]:
        rng = np.random.default_rng(seed)
        return [row for width in self.widths for row in self._rows(rng, width)]

    def _rows(self, rng, width):
        q_QD, k_QSD = rng.normal(size=(self.queries, width)), rng.normal(size=(self.queries, self.keys, width))
        loss_QS = ops.convert_to_tensor(rng.normal(size=(self.queries, self.keys)), "float32")
        score_QS = np.einsum("qd,qsd->qs", q_QD, k_QSD).astype("float32")
        for scaled in (1, 0):
            yield {"d_k": width, "scaled": scaled} | _statistics(score_QS * (width**-0.5 if scaled else 1), loss_QS)

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        few, many = min(self.widths), max(self.widths)
        means = {
            name: {(d_k, scaled): _mean(rows, name, d_k, scaled) for d_k in (few, many) for scaled in (0, 1)}
            for name in ("variance", "entropy", "gradient")
        }
        variance, entropy, gradient = means.values()
        return [
            Finding(
                "Products of queries and keys have variance d_k; divided by √d_k, variance 1.",
                f"d_k = {many}: variance {variance[many, 0]:.1f} without, {variance[many, 1]:.3f} with",
                0.8 < variance[many, 0] / many < 1.25 and 0.8 < variance[many, 1] < 1.25,
            ),
            Finding(
                "Without scaling the softmax becomes one-hot as d_k grows; with it the entropy stays.",
                f"entropy at d_k = {few} and {many}, of at most {np.log(self.keys):.2f} nats: "
                f"{entropy[few, 0]:.2f} and {entropy[many, 0]:.2f} without, "
                f"{entropy[few, 1]:.2f} and {entropy[many, 1]:.2f} with",
                entropy[many, 0] < entropy[few, 0] / 2 and entropy[many, 1] > entropy[few, 1] / 1.25,
            ),
            Finding(
                "Without scaling the gradient through the softmax vanishes as d_k grows; with it it stays.",
                f"median norm at d_k = {few} and {many}: {gradient[few, 0]:.1e} and {gradient[many, 0]:.1e} without, "
                f"{gradient[few, 1]:.1e} and {gradient[many, 1]:.1e} with",
                gradient[many, 0] < gradient[few, 0] / 2 and gradient[many, 1] > gradient[few, 1] / 1.25,
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        left, right = figure.subplots(1, 2)
        for scaled, style, label in ((1, "o-", "divided by √d_k"), (0, "s--", "not divided")):
            for axes, name in ((left, "entropy"), (right, "gradient")):
                axes.plot(self.widths, [_mean(rows, name, d_k, scaled) for d_k in self.widths], style, label=label)
        left.axhline(np.log(self.keys), color="gray", linestyle=":", label=f"uniform over {self.keys} keys")
        left.set(ylabel="entropy of the softmax, nats", ylim=0)
        right.set(ylabel="norm of the gradient by the scores", yscale="log")
        for axes in (left, right):
            axes.set_xscale("log", base=2)
            axes.set_xlabel("d_k, components")
            axes.legend()


def _statistics(score_QS, loss_QS):
    weight_QS = ops.convert_to_numpy(ops.softmax(score_QS))
    _, (gradient_QS,) = backend.value_and_gradients(lambda scores: ops.sum(ops.softmax(scores) * loss_QS), score_QS)
    return {
        "variance": float(score_QS.var()),
        "entropy": float(-(weight_QS * np.log(weight_QS + 1e-30)).sum(-1).mean()),
        "gradient": float(np.median(np.linalg.norm(ops.convert_to_numpy(gradient_QS), axis=-1))),
    }


def _mean(rows, name, d_k, scaled):
    return float(np.mean([row[name] for row in rows if (row["d_k"], row["scaled"]) == (d_k, scaled)]))


SMALL = AttentionScaling(widths=(2, 32, 512), queries=128)
