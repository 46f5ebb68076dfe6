"""Normalisers of spaces inside a graph, beside SentencePiece's character map, and sequences of normalisers."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable
from zoo.export.tokenizer.ragged import shift_left, shift_right
from zoo.export.tokenizer.unicode_tables import members

SPACE = ord(" ")


class Strip(tf.Module):
    """Removes the white space at the beginning and at the end of texts."""

    def __init__(self, left: bool, right: bool):
        super().__init__()
        self.left, self.right, self.whitespace = left, right, CodePointTable(members(r"\s"))

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: code points, the index that each comes from, and no isolated characters."""
        index, ink = tf.range(tf.size(points, tf.int64)), ~self.whitespace(points)
        total = tf.reduce_max(tf.concat([rows, tf.zeros([1], rows.dtype)], 0)) + 1
        ink_index, ink_rows = tf.boolean_mask(index, ink), tf.boolean_mask(rows, ink)
        inside = tf.ones_like(ink)
        if self.left:
            inside &= index >= tf.gather(tf.math.unsorted_segment_min(ink_index, ink_rows, total), rows)
        if self.right:
            inside &= index <= tf.gather(tf.math.unsorted_segment_max(ink_index, ink_rows, total), rows)
        remaining = tf.where(inside)[:, 0]
        return tf.gather(points, remaining), remaining, tf.zeros_like(remaining, tf.bool)


class JoinSpaces(tf.Module):
    """Replaces each run of two or more spaces by one character."""

    def __init__(self, character: str):
        super().__init__()
        self.character = ord(character)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: code points, the index that each comes from, and no isolated characters."""
        space = points == SPACE
        after_space = space & shift_right(space, False) & (rows == shift_right(rows, -1))
        before_space = shift_left(after_space, False)
        points = tf.where(space & before_space, self.character, points)
        remaining = tf.where(~after_space)[:, 0]
        return tf.gather(points, remaining), remaining, tf.zeros_like(remaining, tf.bool)


class ReplaceCharacter(tf.Module):
    """Replaces a character by another one."""

    def __init__(self, old: str, new: str):
        super().__init__()
        self.old, self.new = ord(old), ord(new)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: code points, the index that each comes from, and no isolated characters."""
        points = tf.where(points == self.old, self.new, points)
        return points, tf.range(tf.size(points, tf.int64)), tf.zeros_like(points, tf.bool)


class Prepend(tf.Module):
    """Puts a character before each text that is not empty.

    Args:
        character: the character.
        unless_present: not before a text that begins with it.
    """

    def __init__(self, character: str, unless_present: bool = False):
        super().__init__()
        self.character, self.unless_present = ord(character), unless_present

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`; the new character comes from the index of the first character of its text."""
        first = rows != shift_right(rows, -1)
        if self.unless_present:
            first &= points != self.character
        origins = tf.repeat(tf.range(tf.size(points, tf.int64)), 1 + tf.cast(first, tf.int64))
        inserted = tf.gather(first, origins) & (origins != shift_right(origins, -1))
        points = tf.where(inserted, self.character, tf.gather(points, origins))
        return points, origins, tf.zeros_like(points, tf.bool)


class NormalizerSequence(tf.Module):
    """Normalisers, one after another."""

    def __init__(self, normalizers: Sequence[Callable]):
        super().__init__()
        self.normalizers = list(normalizers)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: code points, the index that each comes from, and no isolated characters."""
        origins = tf.range(tf.size(points, tf.int64))
        for normalizer in self.normalizers:
            points, index, _ = normalizer(points, rows)
            rows, origins = tf.gather(rows, index), tf.gather(origins, index)
        return points, origins, tf.zeros_like(points, tf.bool)
