"""Scaled dot-product attention by hand, two matrix products, against the fused kernel: equal, and the time of both.

Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, https://arxiv.org/abs/1706.03762: softmax(Q K^T / √d_k) V
of standard normal queries, keys and values. Both ways are compiled, and the kernel is that of zoo's own layers. On a
CPU PyTorch has a fused kernel; JAX and TensorFlow run the two products there too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from keras import ops

from zoo import backend
from zoo.course import Experiment, Finding
from zoo.course._timing import shortest_ms

FASTER = "On long texts the fused kernel takes less time than the two products."


@dataclass(frozen=True, kw_only=True)
class ScaledDotProduct(Experiment):
    """Attention computed in both ways, with and without the causal mask, over lengths."""

    number = 2
    untested = (FASTER,)

    lengths: tuple[int, ...] = (64, 128, 256, 512, 1024)  # of the texts, tokens
    width: int = 64  # d_k of a head, components
    heads: int = 4  # of each text
    batch: int = 1  # texts
    repeats: int = 60  # calls, the shortest of which counts

    def measure(self, seed: int) -> list[dict]:
        return [self._row(np.random.default_rng(seed), length, causal) for length in self.lengths for causal in (0, 1)]

    def _row(self, rng, length, causal):
        shape = (self.batch, length, self.heads, self.width)
        arrays = [ops.convert_to_tensor(rng.normal(size=shape), "float32") for _ in range(3)]
        by_hand, fused = (
            partial(backend.jit(partial(function, causal=bool(causal)), [], donate=False), *arrays)
            for function in (_two_products, backend.attention)
        )
        expected, received = ops.convert_to_numpy(by_hand()), ops.convert_to_numpy(fused())
        weights = ops.convert_to_numpy(attention_weights(*arrays[:2], causal=bool(causal)))
        return {
            "length": length,
            "causal": causal,
            "by_hand_ms": shortest_ms(by_hand, self.repeats),
            "fused_ms": shortest_ms(fused, self.repeats),
            "difference": float(np.abs(expected - received).max()),
            "sum_error": float(np.abs(weights.sum(-1) - 1).max()),
        }

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        difference, sum_error = (max(row[name] for row in rows) for name in ("difference", "sum_error"))
        relative = {length: _shortest(rows, length, "fused_ms") / _shortest(rows, length) for length in self.lengths}
        return [
            Finding(
                "Two matrix products with a softmax between equal the fused kernel.",
                f"largest difference {difference:.1e}, with and without the causal mask",
                difference < 1e-4,
            ),
            Finding(
                "The weights of a query are a distribution: they sum to 1.",
                f"largest difference from 1: {sum_error:.1e}",
                sum_error < 1e-5,
            ),
            Finding(
                FASTER,
                "time of the fused kernel / by hand, causal: "
                + ", ".join(f"{length} tokens {ratio:.2f}" for length, ratio in relative.items()),
                bool(relative[max(self.lengths)] < 0.9),
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        axes = figure.subplots()
        for name, label, marker in (("by_hand_ms", "two products", "o"), ("fused_ms", "fused kernel", "s")):
            for causal, style in ((0, "--"), (1, "-")):
                times = [_shortest(rows, length, name, causal) for length in self.lengths]
                label_of_mask = f"{label}{', causal' if causal else ''}"
                color = "tab:blue" if name == "by_hand_ms" else "tab:orange"
                axes.plot(self.lengths, times, style, marker=marker, color=color, label=label_of_mask)
        axes.set(xlabel="length, tokens", ylabel="time of a call, ms", xscale="log", yscale="log")
        axes.set_xticks(self.lengths, map(str, self.lengths))
        axes.minorticks_off()
        axes.legend()
        axes.grid(alpha=0.3)


def _shortest(rows, length, name="by_hand_ms", causal=1):
    """The shortest time of all seeds: they differ by what else the machine does."""
    return min(row[name] for row in rows if row["length"] == length and row["causal"] == causal)


def attention_weights(q_BTHD, k_BTHD, causal=False):
    """softmax(Q K^T / √d_k), (batch, heads, time, time), by hand."""
    q_BHTD, k_BHTD = (ops.transpose(x, (0, 2, 1, 3)) for x in (q_BTHD, k_BTHD))
    score_BHTS = ops.matmul(q_BHTD, ops.transpose(k_BHTD, (0, 1, 3, 2))) / q_BTHD.shape[-1] ** 0.5
    if causal:
        visible_TS = np.tri(q_BTHD.shape[1], dtype=bool)
        score_BHTS = ops.where(visible_TS, score_BHTS, -1e9)
    return ops.softmax(score_BHTS)


def _two_products(q_BTHD, k_BTHD, v_BTHD, causal=False):
    weight_BHTS = attention_weights(q_BTHD, k_BTHD, causal)
    return ops.transpose(ops.matmul(weight_BHTS, ops.transpose(v_BTHD, (0, 2, 1, 3))), (0, 2, 1, 3))


SMALL = ScaledDotProduct(lengths=(8, 32), width=8, heads=2, batch=2, repeats=2)
