"""Pre-tokenization inside a graph: where words begin, by rules on each character and its neighbours.

The rules follow the library's regular expressions, which those of TensorFlow cannot express.
"""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable
from zoo.export.tokenizer.ragged import shift_left, shift_right
from zoo.export.tokenizer.unicode_tables import APOSTROPHE, LETTER, OTHER, QUOTE, SINGLE, SPACE, WHITESPACE

_OUTSIDE = 255  # the class left and right of a text


class Split(tf.Module):
    """Words are runs of letters, with apostrophes between letters; any other non-space character is a word.

    `classes` is the class of each code point, (0x110000,) uint8: see `unicode_tables`.
    """

    def __init__(self, classes: np.ndarray):
        super().__init__()
        self.classes = CodePointTable(classes)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor, isolated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether each character begins a word, and whether it belongs to a word, (n,) bool both."""
        classes = tf.where(isolated, tf.constant(SINGLE, tf.uint8), self.classes(points))
        left, right = _neighbours(classes, rows)
        inner = (classes == APOSTROPHE) & (left == LETTER) & (right == LETTER)
        letter = inner | (classes == LETTER)
        starts = ~(letter & shift_right(letter, False)) | (left == _OUTSIDE)
        return starts, classes != WHITESPACE


class ByteLevelSplit(tf.Module):
    r"""GPT-2's words: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ ."""

    def __init__(self, classes: np.ndarray):
        super().__init__()
        self.classes = CodePointTable(classes)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor, isolated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether each character begins a word, and whether it belongs to a word (always), (n,) bool both."""
        raw = self.classes(points)
        left, right = _neighbours(raw, rows)
        kind, before, after = _merge(raw), _merge(left), _merge(right)
        whitespace = kind == WHITESPACE
        # Before text, the last character of a run of white space starts a word; if it is a space, the text's word.
        last = (after != WHITESPACE) & (after != _OUTSIDE)
        starts = tf.where(whitespace, (before != WHITESPACE) | last, kind != before)
        starts &= whitespace | (left != SPACE)
        return self._contractions(points, rows, starts & (raw == QUOTE), starts), tf.ones_like(whitespace)

    def _contractions(self, points, rows, quote, starts):
        """`starts` where a quote that begins a word takes s, t, m, d, re, ve or ll into its word, and no more."""
        same_row = rows == shift_left(rows, -1)
        next_points = tf.where(same_row, shift_left(points, 0), 0)
        after_next = tf.where(same_row, shift_left(next_points, 0), 0)
        short = quote & _any_of(next_points, "stmd")
        long = quote & tf.reduce_any(
            [(next_points == ord(a)) & (after_next == ord(b)) for a, b in ("re", "ve", "ll")], axis=0
        )
        starts &= ~shift_right(short | long, False)
        return starts | shift_right(shift_right(short | shift_right(long, False), False), False)


def _any_of(points, characters):
    return tf.reduce_any([points == ord(character) for character in characters], axis=0)


def _neighbours(classes, rows):
    """The classes left and right of each character, within its text."""
    outside = tf.constant(_OUTSIDE, classes.dtype)
    left = tf.where(rows == shift_right(rows, -1), shift_right(classes, _OUTSIDE), outside)
    right = tf.where(rows == shift_left(rows, -1), shift_left(classes, _OUTSIDE), outside)
    return left, right


def _merge(classes):
    """The classes, with SPACE merged into WHITESPACE and QUOTE into OTHER."""
    whitespace, other = tf.constant(WHITESPACE, tf.uint8), tf.constant(OTHER, tf.uint8)
    return tf.where(classes == SPACE, whitespace, tf.where(classes == QUOTE, other, classes))
