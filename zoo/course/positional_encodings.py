"""Sinusoidal positional encodings: the table of 'I am a Robot', the matrix, and what n and d change.

Vaswani et al. 2017, Attention Is All You Need, section 3.5, https://arxiv.org/abs/1706.03762. Component 2i of position
k is sin(k / n^(2i/d)) and component 2i + 1 the cosine of the same angle: `zoo.layers.SinusoidalPositions`, on vectors
of zeros. The table has d = 4 and n = 100, the paper n = 10,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo.course import Experiment, Finding
from zoo.layers.positions import SinusoidalPositions

TABLE = "table"  # the matrix of the words of `text`


@dataclass(frozen=True, kw_only=True)
class PositionalEncodings(Experiment):
    """Matrices of positional encodings: of a text's words, and of many positions with other n and d."""

    number = 1
    seeded = False

    text: str = "I am a Robot"  # its words are the rows of the table
    width: int = 4  # d of the table, components
    base: float = 100.0  # n of the table
    positions: int = 64  # rows of the matrices
    widths: tuple[int, ...] = (4, 32)  # d of the matrices, components
    bases: tuple[float, ...] = (10.0, 100.0, 10_000.0)  # n of the matrices

    def measure(self, seed: int) -> list[dict]:
        table = _entries(TABLE, encodings(len(self.text.split()), self.width, self.base), self.width, self.base)
        matrices = [
            _entries("matrix", encodings(self.positions, width, base), width, base)
            for width in self.widths
            for base in self.bases
        ]
        return [*table, *(entry for matrix in matrices for entry in matrix)]

    def findings(self, rows: Sequence[dict]) -> list[Finding]:
        error = max(abs(row["value"] - _formula(row)) for row in rows)
        matrices = _matrices(rows)
        length = max(np.abs((matrix**2).sum(1) - matrix.shape[1] / 2).max() for matrix in matrices.values())
        shift = max(map(_shift_error, matrices.values()))
        return [
            Finding(
                f"The encoding of {self.text!r} is sin and cos of k / n^(2i/d).",
                f"d = {self.width}, n = {self.base:g}: largest difference {error:.1e}",
                error < 1e-6 + 1e-7 * self.positions,  # angles are float32
            ),
            Finding(
                "All encodings have the same length, and the product of two depends on their distance alone.",
                f"squared lengths differ from d/2 by {length:.1e}, products at one distance by {shift:.1e}",
                max(length, shift) < 1e-3,
            ),
            *self._nearest_findings(matrices),
        ]

    def _nearest_findings(self, matrices):
        few, many, small, large = min(self.widths), max(self.widths), min(self.bases), max(self.bases)
        near = {key: _nearest(matrix) for key, matrix in matrices.items()}
        gains = ", ".join(f"n = {n:g}: {near[few, n]:.3f} and {near[many, n]:.3f}" for n in self.bases)
        losses = f"n = {small:g}: {near[many, small]:.3f}, n = {large:g}: {near[many, large]:.3f}"
        return [
            Finding(
                "More components d keep positions further apart.",
                f"nearest two of {self.positions} positions, d = {few} and {many}: {gains}",
                all(near[few, n] < near[many, n] for n in self.bases),
            ),
            Finding(
                "A larger n makes waves longer, so that neighbours are more alike.",
                f"nearest two of {self.positions} positions, d = {many}: {losses}",
                near[many, small] > near[many, large],
            ),
        ]

    def plot(self, rows: Sequence[dict], figure) -> None:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.2, 1.2))
        table, matrices = _matrices(rows, TABLE)[self.width, self.base], _matrices(rows)
        _draw_matrix(left, table, f"d = {self.width}, n = {self.base:g}")
        left.set_yticks(range(len(table)), self.text.replace("$", r"\$").split())  # a $ begins mathematics
        left.set_xticks(range(self.width))
        for (k, i), value in np.ndenumerate(table):
            left.text(i, k, f"{value:.2f}", ha="center", va="center", color="black" if value > 0.3 else "white")
        width, base = max(self.widths), max(self.bases)
        image = _draw_matrix(middle, matrices[width, base], f"d = {width}, n = {base:g}")
        middle.set_ylabel("position k")
        figure.colorbar(image, ax=middle, label="value")
        for base in self.bases:
            matrix = matrices[width, base]
            right.plot(matrix @ matrix[0] / (width / 2), label=f"n = {base:g}")
        right.set(xlabel="distance, positions", ylabel="cosine similarity", title=f"d = {width}")
        right.legend()


def encodings(positions: int, width: int, base: float) -> np.ndarray:
    """The encodings of positions 0, 1 and so on: (positions, width)."""
    return ops.convert_to_numpy(SinusoidalPositions(base)(ops.zeros((1, positions, width))))[0]


def _entries(part, matrix, width, base):
    return [
        {"part": part, "d": width, "n": base, "position": k, "component": i, "value": float(value)}
        for (k, i), value in np.ndenumerate(matrix)
    ]


def _formula(row):
    angle = row["position"] / row["n"] ** (row["component"] // 2 * 2 / row["d"])
    return np.cos(angle) if row["component"] % 2 else np.sin(angle)


def _matrices(rows, part="matrix") -> dict[tuple[int, float], np.ndarray]:
    """{(d, n): matrix} of one part."""
    values: dict[tuple[int, float], list[float]] = {}
    for row in rows:
        if row["part"] == part:
            values.setdefault((row["d"], row["n"]), []).append(row["value"])
    return {(width, base): np.reshape(entries, (-1, width)) for (width, base), entries in values.items()}


def _shift_error(matrix):
    """The largest difference between products of encodings at the same distance."""
    products = matrix @ matrix.T
    return max(np.ptp(np.diagonal(products, distance)) for distance in range(len(products)))


def _nearest(matrix):
    """The Euclidean distance of the nearest two rows."""
    distances = np.linalg.norm(matrix[:, None] - matrix[None], axis=-1)
    return float(distances[~np.eye(len(matrix), dtype=bool)].min())


def _draw_matrix(axes, matrix, title):
    image = axes.imshow(matrix, aspect="auto", vmin=-1, vmax=1, cmap="viridis")
    axes.set(xlabel="component", title=title)
    return image


SMALL = PositionalEncodings(positions=16, widths=(4, 16))
