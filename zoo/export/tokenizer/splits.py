"""Where words begin, by rules that look at each character and its neighbours; they follow the library's expressions."""

import tensorflow as tf

from zoo.export.tokenizer.characters import PointTable
from zoo.export.tokenizer.ragged import shift, shift_back
from zoo.export.tokenizer.unicode_tables import ALONE, APOSTROPHE, BLANK, LETTER, OTHER, QUOTE, SPACE

_OUTSIDE = 255  # the class of what is left and right of a text


class Split(tf.Module):
    """Words as runs of letters; what is no letter and not blank stands alone, except an apostrophe between letters."""

    def __init__(self, classes):
        super().__init__()
        self.classes = PointTable(classes)

    def __call__(self, points, rows, lonely):
        """Return which characters begin a word and which belong to one, (n,) bool both."""
        classes = tf.where(lonely, tf.constant(ALONE, tf.uint8), self.classes(points))
        left, right = _neighbours(classes, rows)
        inside = (classes == APOSTROPHE) & (left == LETTER) & (right == LETTER)
        letter = inside | (classes == LETTER)
        begins = ~(letter & shift(letter, False)) | (left == _OUTSIDE)
        return begins, classes != BLANK


class ByteLevelSplit(tf.Module):
    r"""GPT-2's words: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ ."""

    def __init__(self, classes):
        super().__init__()
        self.classes = PointTable(classes)

    def __call__(self, points, rows, lonely):
        """Return which characters begin a word and which belong to one (all of them), (n,) bool both."""
        raw = self.classes(points)
        left, right = _neighbours(raw, rows)
        kind, before, after = _merge(raw), _merge(left), _merge(right)
        blank = kind == BLANK
        # A run of blanks gives its last one away if text follows; a space then begins the next word.
        begins = tf.where(blank, (before != BLANK) | ((after != BLANK) & (after != _OUTSIDE)), kind != before)
        begins &= blank | (left != SPACE)
        return self._contractions(points, rows, begins & (raw == QUOTE), begins), tf.ones_like(blank)

    def _contractions(self, points, rows, quote, begins):
        """Return `begins` where a quote that begins a word takes s, t, m, d, re, ve or ll with it, and no more."""
        same = rows == shift_back(rows, -1)
        next_points = tf.where(same, shift_back(points, 0), 0)
        after_next = tf.where(same, shift_back(next_points, 0), 0)
        short = quote & _any_of(next_points, "stmd")
        long = quote & tf.reduce_any(
            [(next_points == ord(a)) & (after_next == ord(b)) for a, b in ("re", "ve", "ll")], axis=0
        )
        begins &= ~shift(short | long, False)
        return begins | shift(shift(short | shift(long, False), False), False)


def _any_of(points, characters):
    return tf.reduce_any([points == ord(character) for character in characters], axis=0)


def _neighbours(classes, rows):
    """Return the classes left and right of each character, within its text."""
    outside = tf.constant(_OUTSIDE, classes.dtype)
    left = tf.where(rows == shift(rows, -1), shift(classes, _OUTSIDE), outside)
    right = tf.where(rows == shift_back(rows, -1), shift_back(classes, _OUTSIDE), outside)
    return left, right


def _merge(classes):
    """Return the classes with a space as a blank and a quote as any other sign."""
    blank, other = tf.constant(BLANK, tf.uint8), tf.constant(OTHER, tf.uint8)
    return tf.where(classes == SPACE, blank, tf.where(classes == QUOTE, other, classes))
