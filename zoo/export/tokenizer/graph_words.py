"""Words of texts and their pieces inside a graph, as `zoo.data.word_alignment` has them."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import join
from zoo.export.tokenizer.ragged import count_rows, rows_of, starts_of
from zoo.export.tokenizer.readers import characters
from zoo.export.tokenizer.splits import Split
from zoo.export.tokenizer.unicode_tables import word_classes
from zoo.text.splitting import CJK

_FAR = 1 << 32  # further than any character of a text from its first


class Words(NamedTuple):
    """The words of a batch of texts, one after another."""

    spelled: tf.Tensor  # (words,) strings
    counts: tf.Tensor  # (texts,) int64: how many each text has
    starts: tf.Tensor  # (words,) int64: first character in its text
    ends: tf.Tensor  # (words,) int64: the one past the last


class GraphWordTokenizer(tf.Module):
    """Splits texts into words and these into windows of pieces."""

    def __init__(self, twin):
        super().__init__()
        self.twin, self.split = twin, Split(word_classes(CJK))

    def words(self, texts):
        """Return the `Words` of texts, a string tensor (N,)."""
        points, rows, places = characters(texts)
        begins, kept = self.split(points, rows, tf.zeros_like(points, tf.bool))
        kept = tf.where(kept)[:, 0]
        points, rows, places, begins = (tf.gather(values, kept) for values in (points, rows, places, begins))
        starts = tf.where(begins)[:, 0]
        letters = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        counts = count_rows(tf.gather(rows, starts), tf.size(texts, tf.int64))
        starts = tf.gather(places, starts)
        return Words(tf.strings.unicode_encode(letters, "UTF-8"), counts, starts, starts + letters.row_lengths())

    @tf.autograph.experimental.do_not_convert
    def __call__(self, words, length):
        """Return windows of at most `length` ids, a `tf.RaggedTensor`, where words are, and each text's first window.

        The second, (words, 2) int64, is the window of a word's first piece, -1 where it has none, and the place there.
        """
        rows, sizes = rows_of(words.counts), words.ends - words.starts
        texts = tf.math.unsorted_segment_sum(sizes + 1, rows, tf.size(words.counts, tf.int64))
        starts = starts_of(sizes + 1) - tf.gather(starts_of(texts), rows)  # where one blank stands between each two
        joined = tf.RaggedTensor.from_row_lengths(words.spelled, words.counts, validate=False)
        pieces = self.twin.pieces(tf.strings.reduce_join(joined, axis=1, separator=" "))
        return self._windows(pieces, self._first(pieces, rows, starts, starts + sizes), length)

    def _first(self, pieces, rows, starts, ends):
        """Return each word's first piece, the first that reaches into it; -1 where there is none."""
        owners = rows_of(pieces.lengths)
        found = tf.searchsorted(owners * _FAR + pieces.ends, rows * _FAR + starts, side="right", out_type=tf.int64)
        last = tf.concat([owners * _FAR + pieces.starts, [tf.int64.max]], 0)
        return tf.where(tf.gather(last, found) < rows * _FAR + ends, found, -1)

    def _windows(self, pieces, first, length):
        around = self.twin.template.special_ids(1, length)
        room = length - sum(map(len, around))
        owners, windows = rows_of(pieces.lengths), tf.maximum(-(-pieces.lengths // room), 1)
        within = tf.range(tf.size(owners, tf.int64)) - tf.gather(starts_of(pieces.lengths), owners)
        window = tf.gather(starts_of(windows), owners) + within // room
        total = tf.reduce_sum(windows)
        ids = join([(pieces.ids, count_rows(window, total))], around, total)
        places = tf.stack([window, len(around[0]) + within % room], 1)
        places = tf.concat([places, [[-1, 0]]], 0)  # the last is that of words without a piece
        return ids, tf.gather(places, tf.where(first < 0, tf.size(window, tf.int64), first)), starts_of(windows)


def chosen(scores, places):
    """Return what stands at places, (words, 2) as `GraphWordTokenizer` gives them, of (windows, time, tags); zeros at -1."""
    found = tf.gather_nd(scores, tf.maximum(places, 0))
    return tf.where(places[:, :1] < 0, 0.0, found)


def padded(values, counts):
    """Return (words, width) as (texts, words, width), and where a word is; there is always a column of padding."""
    rows = tf.RaggedTensor.from_row_lengths(values, counts, validate=False).to_tensor()
    size = tf.reduce_max(tf.concat([counts, [0]], 0)) + 1
    rows = tf.pad(rows, [[0, 0], [0, size - tf.shape(rows, tf.int64)[1]], [0, 0]])
    return rows, tf.range(size) < counts[:, None]


def stretches(texts, words, first, last):
    """Return {"texts", "starts", "ends"} of runs of words, (texts, runs) first and last word; "" and -1 where -1."""
    begin = starts_of(words.counts)[:, None]
    there, none = first >= 0, tf.constant([-1], tf.int64)
    starts, ends = (
        tf.gather(
            tf.concat([column, none], 0), tf.where(there, begin + tf.cast(places, tf.int64), tf.size(column, tf.int64))
        )
        for column, places in ((words.starts, first), (words.ends, last))
    )
    whole = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    whole = tf.broadcast_to(whole[:, None], tf.shape(starts))
    cut = tf.strings.substr(tf.where(there, whole, ""), tf.maximum(starts, 0), ends - starts, "UTF8_CHAR")
    return {"texts": cut, "starts": starts, "ends": ends}
