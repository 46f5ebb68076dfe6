"""Grapheme clusters inside a graph, as the library's compiled normaliser of SentencePiece cuts a text.

Unicode Standard Annex 29, https://www.unicode.org/reports/tr29, without the rule for Indic conjuncts (GB9c). Which
characters extend a cluster is probed from the library, so that a graph equals it.
"""

from functools import cache

import numpy as np
import tensorflow as tf
from tokenizers import normalizers

from zoo.export.tokenizer.characters import CodePointTable
from zoo.export.tokenizer.ragged import shift_right
from zoo.export.tokenizer.unicode_tables import CODE_POINTS, members
from zoo.text.charsmap import encode_charsmap

ANY, EXTEND, PREPEND, LEAD, VOWEL, TRAIL, SYLLABLE, FULL, CR, LF, REGION, PICTURE, JOINER, CONTROL = range(14)
ZWJ = 0x200D
CONTROLS = (CR, LF, CONTROL)  # around these every cluster ends
HANGUL = (  # ranges of jamo and syllables, Unicode 16
    *((0x1100, 0x1160, LEAD), (0xA960, 0xA97D, LEAD), (0x1160, 0x11A8, VOWEL), (0xD7B0, 0xD7C7, VOWEL)),
    *((0x11A8, 0x1200, TRAIL), (0xD7CB, 0xD7FC, TRAIL), (0xAC00, 0xD7A4, FULL)),
)


PROBED = (  # ranges with characters that may extend a cluster: without ideographs, syllables and private use
    *((0x20, 0x3400), (0xA000, 0xAC00), (0xD7A4, 0xD800), (0xF900, 0x17000), (0x18D00, 0x20000), (0xE0000, 0xE1000)),
)


@cache
def cluster_classes() -> np.ndarray:
    """The class of each code point for grapheme clusters, (CODE_POINTS,) uint8."""
    classes = np.full(CODE_POINTS, ANY, np.uint8)
    classes[members(r"\p{Extended_Pictographic}")] = PICTURE
    classes[members(r"\p{Cc}\p{Cf}\p{Zl}\p{Zp}")] = CONTROL
    points = np.r_[tuple(slice(*bounds) for bounds in PROBED)]
    classes[points[_probe(points, before="a") == "Z"]] = EXTEND
    points = points[classes[points] != EXTEND]
    expected = np.char.add(_texts(points), "Z\u0e49")  # "a" is in a cluster that is too long to be replaced
    classes[points[_probe(points, after="a\u0e49") == expected]] = PREPEND
    for start, end, number in (*HANGUL, (0x1F1E6, 0x1F200, REGION)):
        classes[start:end] = number
    classes[0xAC00:0xD7A4:28] = SYLLABLE
    classes[[ord("\r"), ord("\n"), ZWJ]] = CR, LF, JOINER
    return classes


def _probe(points, before="", after=""):
    """The normalised text of each code point between two strings, by a map that replaces clusters with an "a" first."""
    normalizer = normalizers.Precompiled(encode_charsmap({b"a": b"Z"}))
    lines = [before + character + after for character in _texts(points)]
    return np.array(normalizer.normalize_str("\n".join(lines)).split("\n"))


def _texts(points):
    return [chr(point) for point in points.tolist()]


class Graphemes(tf.Module):
    """Cuts texts into grapheme clusters."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = CodePointTable(cluster_classes())

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Whether each character begins a cluster, (n,) bool; `rows` is the text of each character."""
        right = self.classes(points)
        left = shift_right(right, ANY)
        first = rows != shift_right(rows, -1)
        joined = (right == EXTEND) | (right == JOINER) | (left == PREPEND)
        joined |= (left == LEAD) & _any(right, (LEAD, VOWEL, SYLLABLE, FULL))
        joined |= _any(left, (SYLLABLE, VOWEL)) & _any(right, (VOWEL, TRAIL))
        joined |= _any(left, (FULL, TRAIL)) & (right == TRAIL)
        joined |= (right == PICTURE) & (left == JOINER) & self._after_picture(right, first)
        joined |= (right == REGION) & self._odd_region(right, first)
        joined &= ~_any(left, CONTROLS) & ~_any(right, CONTROLS)
        joined |= (left == CR) & (right == LF)
        return first | ~joined

    def _after_picture(self, classes, first):
        """Whether the characters before each one are a picture, marks that extend it, and a joiner."""
        index = tf.range(tf.size(classes, tf.int64))
        anchor = ~_any(classes, (EXTEND, JOINER)) | first
        last = _running_max(tf.where(anchor, index, -1))
        picture = tf.gather(classes, tf.maximum(last, 0)) == PICTURE
        return shift_right(picture, False) & ~first

    def _odd_region(self, classes, first):
        """Whether a regional indicator is the second, fourth and so on of a run: flags are pairs."""
        region = classes == REGION
        index = tf.range(tf.size(classes, tf.int64))
        starts = region & (~shift_right(region, False) | first)
        begin = _running_max(tf.where(starts, index, 0))
        return (index - begin) % 2 == 1


def _any(classes, numbers):
    return tf.reduce_any([classes == number for number in numbers], axis=0)


def _running_max(values):
    """The latest value above 0 up to each one, 0 before the first; such values grow."""
    present = tf.cast(values > 0, tf.int64)
    latest = tf.concat([tf.zeros([1], values.dtype), tf.boolean_mask(values, values > 0)], 0)
    return tf.gather(latest, tf.cumsum(present))
