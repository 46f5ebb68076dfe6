"""Unicode normalisation inside a graph: UTF-8 is repaired, decoded to code points and normalised."""

from typing import Any

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import shift_right
from zoo.export.tokenizer.unicode_tables import BARRIER, CODE_POINTS, DELETED

_FAR = 2 * CODE_POINTS  # more than the distance between any two code points


def decode(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The code points of all texts, int32, and the number of code points of each text, int64.

    Each broken part of UTF-8 becomes one U+FFFD, as in Python's `bytes.decode`.
    """
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
    return decoded.values, decoded.row_lengths()


class CodePointTable(tf.Module):
    """A small number for each code point, in pages of 256; equal pages are stored once."""

    def __init__(self, values: np.ndarray):
        super().__init__()
        pages, index = np.unique(values.reshape(-1, 256), axis=0, return_inverse=True)
        self.pages = tf.constant(pages.ravel())
        self.index = tf.constant(index.ravel().astype(np.int32) * 256)

    def __call__(self, points: tf.Tensor) -> tf.Tensor:
        page = tf.gather(self.index, tf.bitwise.right_shift(points, 8))
        return tf.gather(self.pages, page + tf.bitwise.bitwise_and(points, 255))


class Identity(tf.Module):
    """No normalisation."""

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: code points, the index that each comes from, and whether it is a word by itself (never)."""
        return points, tf.range(tf.size(points, tf.int64)), tf.zeros_like(points, tf.bool)


class Normalizer(tf.Module):
    """Unicode normaliser: replaces each character as a normaliser of the tokenizers library does.

    Args:
        replacements: (0x110000, k) int32, see `unicode_tables.replacements`.
        isolated: (0x110000,) bool, whether a character is a word by itself.
        ranks: (0x110000,) uint8, the rank of each combining mark in canonical order; 0 for characters that never move.
    """

    def __init__(self, replacements: np.ndarray, isolated: np.ndarray, ranks: np.ndarray | None = None):
        super().__init__()
        self.distances: Any = [CodePointTable(_distances(column)) for column in replacements.T]  # a wrapped list
        self.expands = CodePointTable(replacements[:, 1] != DELETED) if replacements.shape[1] > 1 else None
        self.isolated = CodePointTable(isolated) if isolated.any() else None
        self.ranks: Any = CodePointTable(ranks) if ranks is not None and ranks.any() else None

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised code points, the index that each comes from, and whether each is a word by itself.

        `points` are code points, and `rows` the text of each, in order.
        """
        origins = tf.range(tf.size(points, tf.int64))
        isolated = self.isolated(points) if self.isolated else tf.zeros_like(points, tf.bool)
        new = self._replacement(points, 0)
        if self.expands:
            new, origins, isolated = tf.cond(
                tf.reduce_any(self.expands(points)),
                lambda: self._expand(points, new, origins, isolated),
                lambda: (new, origins, isolated),
            )
        if self.ranks:
            new = self._canonical_order(new, tf.gather(rows, origins))
        remaining = tf.where(new >= 0)[:, 0]
        new, origins, isolated = (tf.gather(values, remaining) for values in (new, origins, isolated))
        return new, origins, isolated

    def _replacement(self, points, column):
        new = points + self.distances[column](points)
        return tf.where(new < 0, new + _FAR - points, new)

    def _expand(self, points, first, origins, isolated):
        """Replacements, origins and isolated of characters with several replacements each, flattened."""
        columns = [first, *(self._replacement(points, column) for column in range(1, len(self.distances)))]
        expanded = (tf.repeat(values, len(columns)) for values in (origins, isolated))
        return tf.reshape(tf.stack(columns, 1), [-1]), *expanded

    def _canonical_order(self, points, rows):
        """The points with combining marks in canonical order, which only texts with rare marks need."""
        ranks = tf.cast(self.ranks(tf.maximum(points, 0)), tf.int64)
        return tf.cond(tf.reduce_any(ranks > 0), lambda: _sort(points, rows, ranks), lambda: points)


def _distances(replacements):
    """The distance of each code point from its replacement, (0x110000,) int32; far below any other where it is none."""
    return np.where(replacements < 0, replacements - _FAR, replacements - np.arange(CODE_POINTS, dtype=np.int32))


def _sort(points, rows, ranks):
    """The points sorted by rank between the characters that combining marks do not cross."""
    barrier = (points == BARRIER) | ((points >= 0) & (ranks == 0)) | (rows != shift_right(rows, -1))
    order = tf.cumsum(tf.cast(barrier, tf.int64)) * 256 + ranks
    return tf.gather(points, tf.argsort(order, stable=True))
