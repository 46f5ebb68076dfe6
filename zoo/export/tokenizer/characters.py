"""Strings to characters inside a graph: repaired, decoded, normalised."""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.ragged import shift
from zoo.export.tokenizer.unicode_tables import BARRIER, GONE, POINTS

_AWAY = 2 * POINTS  # further than any code point from any other


def decode(texts):
    """Return the code points of all texts, int32, and how many each text has, int64.

    Each broken part of UTF-8 becomes one U+FFFD, as Python's `bytes.decode` makes it.
    """
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
    return decoded.values, decoded.row_lengths()


class PointTable(tf.Module):
    """A small number for each code point, in pages of 256 of which equal ones are kept once."""

    def __init__(self, values):
        super().__init__()
        pages, index = np.unique(values.reshape(-1, 256), axis=0, return_inverse=True)
        self.pages = tf.constant(pages.ravel())
        self.index = tf.constant(index.ravel().astype(np.int32) * 256)

    def __call__(self, points):
        page = tf.gather(self.index, tf.bitwise.right_shift(points, 8))
        return tf.gather(self.pages, page + tf.bitwise.bitwise_and(points, 255))


class Unchanged(tf.Module):
    """Leaves characters as they are."""

    def __call__(self, points, rows):
        """Return code points, which of those given each comes from, and which stand alone between blanks: none."""
        return points, tf.range(tf.size(points, tf.int64)), tf.zeros_like(points, tf.bool)


class Normalizer(tf.Module):
    """Puts what the library's normaliser makes of each character in its place."""

    def __init__(self, images, lonely, ranks=None):
        super().__init__()
        distances = np.where(images < 0, images - _AWAY, images - np.arange(POINTS)[:, None]).astype(np.int32)
        self.distances = [PointTable(column) for column in distances.T]
        self.several = PointTable(images[:, 1] != GONE) if images.shape[1] > 1 else None
        self.lonely = PointTable(lonely) if lonely.any() else None
        self.ranks = PointTable(ranks) if ranks is not None and ranks.any() else None

    def __call__(self, points, rows):
        """Return code points, which of those given each comes from, and which stand alone between blanks.

        Given are points and the text that each is of, in order.
        """
        origins = tf.range(tf.size(points, tf.int64))
        lonely = self.lonely(points) if self.lonely else tf.zeros_like(points, tf.bool)
        images = self._image(points, 0)
        if self.several:
            wide = tf.reduce_any(self.several(points))
            images, origins, lonely = tf.cond(
                wide, lambda: self._widen(points, images, origins, lonely), lambda: (images, origins, lonely)
            )
        if self.ranks:
            images = self._in_order(images, tf.gather(rows, origins))
        here = tf.where(images >= 0)[:, 0]
        return tuple(tf.gather(values, here) for values in (images, origins, lonely))

    def _image(self, points, place):
        moved = points + self.distances[place](points)
        return tf.where(moved < 0, moved + _AWAY - points, moved)

    def _widen(self, points, first, origins, lonely):
        """Return images, origins and lonely with room for all images of each character."""
        images = [first, *(self._image(points, place) for place in range(1, len(self.distances)))]
        widened = (tf.repeat(values, len(images)) for values in (origins, lonely))
        return tf.reshape(tf.stack(images, 1), [-1]), *widened

    def _in_order(self, images, rows):
        """Return the images with accents in canonical order, which only texts with rare marks need."""
        ranks = tf.cast(self.ranks(tf.maximum(images, 0)), tf.int64)
        return tf.cond(tf.reduce_any(ranks > 0), lambda: _sort(images, rows, ranks), lambda: images)


def _sort(images, rows, ranks):
    """Return images sorted by rank between the characters that accents do not cross."""
    wall = (images == BARRIER) | ((images >= 0) & (ranks == 0)) | (rows != shift(rows, -1))
    order = tf.cumsum(tf.cast(wall, tf.int64)) * 256 + ranks
    return tf.gather(images, tf.argsort(order, stable=True))
