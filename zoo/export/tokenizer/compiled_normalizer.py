"""SentencePiece's compiled normaliser inside a graph: replaces characters, and short grapheme clusters as a whole.

As the library does: a cluster of fewer than 6 bytes that begins with a string of the map becomes the replacement of the
shortest such string. The characters of other clusters are replaced one by one.
"""

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.characters import CodePointTable, Normalizer
from zoo.export.tokenizer.graphemes import Graphemes
from zoo.export.tokenizer.ragged import gather_runs
from zoo.export.tokenizer.subword_models import hash_table
from zoo.export.tokenizer.unicode_tables import CODE_POINTS, DELETED, to_points

SHORT = 6  # bytes of a cluster from which on it is not replaced as a whole
MOST = 3  # characters of a longer string of the map that fits into a short cluster


class CompiledNormalizer(tf.Module):
    """A normaliser of a character map.

    Args:
        entries: {string: replacement} of the map, in UTF-8: see `zoo.text.charsmap`.
    """

    def __init__(self, entries: dict[bytes, bytes]):
        super().__init__()
        single = {ord(key.decode()): value.decode() for key, value in entries.items() if len(key.decode()) == 1}
        self.characters = Normalizer(_table(single), np.zeros(CODE_POINTS, bool))
        mapped = np.zeros(CODE_POINTS, bool)
        mapped[list(single)] = True
        self.mapped, self.graphemes = CodePointTable(mapped), Graphemes()
        strings = _strings(entries, single)
        texts = sorted(set(strings.values()))
        lengths = np.array([len(text) for text in texts] or [0])
        self.values = tf.constant(to_points("".join(texts)) if texts else np.zeros(1), tf.int32)
        self.lengths = tf.constant(lengths, tf.int64)
        self.starts = tf.cumsum(self.lengths, exclusive=True)
        order = {text: number for number, text in enumerate(texts)}
        numbers = {_key(key): order[value] for key, value in strings.items()}
        self.numbers = hash_table(numbers or {-1: -1}, -1, tf.int64, tf.int64)

    def __call__(self, points: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `Normalizer`: normalised code points, the index that each comes from, and no isolated characters."""
        starts = self.graphemes(points, rows)
        cluster = tf.cumsum(tf.cast(starts, tf.int64)) - 1
        sizes = tf.math.segment_sum(_utf8_lengths(points), cluster)
        short = tf.gather(sizes < SHORT, cluster) & starts
        number = self._string(points, cluster, short)
        replaced = short & (self.mapped(points) | (number >= 0))
        dropped = tf.gather(tf.boolean_mask(replaced, starts), cluster) & ~starts
        remaining = tf.where(~dropped)[:, 0]
        number = tf.gather(number, remaining)
        new, origins, _ = self.characters(tf.gather(points, remaining), tf.gather(rows, remaining))
        new, origins = self._insert(new, origins, number)
        origins = tf.gather(remaining, origins)
        return new, origins, tf.zeros_like(new, tf.bool)

    def _string(self, points, cluster, short):
        """The number of the replacement for the two or three characters that begin a cluster; -1 for none."""
        points, size = tf.cast(points, tf.int64), tf.size(points)
        padded = tf.concat([points, tf.zeros([2], tf.int64)], 0)
        clusters = tf.concat([cluster, tf.fill([2], tf.constant(-1, tf.int64))], 0)
        same = [clusters[1 : size + 1] == cluster, clusters[2 : size + 2] == cluster]
        pair = points * CODE_POINTS + padded[1 : size + 1]
        triple = pair * CODE_POINTS + padded[2 : size + 2]
        number = tf.where(same[0], self.numbers.lookup(pair), -1)
        number = tf.where((number < 0) & same[1], self.numbers.lookup(triple), number)
        return tf.where(short, number, -1)

    def _insert(self, new, origins, number):
        """The characters, with the replacement in place of those with the number of one."""
        numbers = tf.gather(number, origins)
        runs = tf.maximum(numbers, 0)
        unchanged = tf.range(tf.size(new, tf.int64)) + tf.size(self.values, tf.int64)
        starts = tf.where(numbers >= 0, tf.gather(self.starts, runs), unchanged)
        lengths = tf.where(numbers >= 0, tf.gather(self.lengths, runs), 1)
        values = gather_runs(tf.concat([self.values, new], 0), starts, lengths)
        return values, tf.repeat(origins, lengths)


def _strings(entries, single):
    """The strings of two or three characters that fit into a short cluster, with no shorter one at their beginning."""
    texts = {key.decode(): value.decode() for key, value in entries.items() if len(key) < SHORT}
    texts = {key: value for key, value in texts.items() if 1 < len(key) <= MOST and ord(key[0]) not in single}
    return {key: value for key, value in texts.items() if len(key) == 2 or key[:2] not in texts}


def _key(text):
    """A string of two or three characters as one number."""
    number = 0
    for character in text:
        number = number * CODE_POINTS + ord(character)
    return number


def _table(single):
    """The table of replacements for `Normalizer`, (CODE_POINTS, k) int32."""
    table = np.full((CODE_POINTS, max([1, *map(len, single.values())])), DELETED, np.int32)
    table[:, 0] = np.arange(CODE_POINTS)
    for point, text in single.items():
        table[point] = DELETED
        table[point, : len(text)] = to_points(text)
    return table


def _utf8_lengths(points):
    return 1 + tf.add_n([tf.cast(points >= threshold, tf.int64) for threshold in (0x80, 0x800, 0x10000)])
