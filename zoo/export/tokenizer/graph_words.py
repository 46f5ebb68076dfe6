"""Word alignment inside a graph, as in `zoo.data.word_alignment`: words to windows of ids, and tags to spans."""

from typing import NamedTuple

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer, join
from zoo.export.tokenizer.ragged import row_ids, row_lengths, row_starts
from zoo.export.tokenizer.readers import characters
from zoo.export.tokenizer.splits import Split
from zoo.export.tokenizer.unicode_tables import word_classes
from zoo.text.splitting import CJK

_FAR = 1 << 32  # more than the characters of any text


class Words(NamedTuple):
    """The words of a batch of texts, one text after another."""

    strings: tf.Tensor  # (words,)
    counts: tf.Tensor  # (texts,) int64: number of words of each text
    starts: tf.Tensor  # (words,) int64: first character in its text
    ends: tf.Tensor  # (words,) int64: past-the-last character


class GraphWordTokenizer(tf.Module):
    """Splits texts into words, and words into windows of ids."""

    def __init__(self, tokenizer: GraphTokenizer):
        super().__init__()
        self.tokenizer, self.split = tokenizer, Split(word_classes(CJK))

    def words(self, texts: tf.Tensor) -> Words:
        """The `Words` of texts, (texts,) strings."""
        points, rows, positions = characters(texts)
        starts, in_word = self.split(points, rows, tf.zeros_like(points, tf.bool))
        in_word = tf.where(in_word)[:, 0]
        points, rows, positions, starts = (tf.gather(values, in_word) for values in (points, rows, positions, starts))
        starts = tf.where(starts)[:, 0]
        words = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        counts = row_lengths(tf.gather(rows, starts), tf.size(texts, tf.int64))
        starts = tf.gather(positions, starts)
        return Words(tf.strings.unicode_encode(words, "UTF-8"), counts, starts, starts + words.row_lengths())

    @tf.autograph.experimental.do_not_convert
    def __call__(self, words: Words, length: int) -> tuple[tf.RaggedTensor, tf.Tensor, tf.Tensor]:
        """Windows of at most `length` ids, the position of each word, and the first window of each text.

        The second, (words, 2) int64, is the window of a word's first token and the index in that window; the window is
        -1 where a word has no token.
        """
        rows, sizes = row_ids(words.counts), words.ends - words.starts
        texts = tf.math.unsorted_segment_sum(sizes + 1, rows, tf.size(words.counts, tf.int64))
        starts = row_starts(sizes + 1) - tf.gather(row_starts(texts), rows)  # with a space between two words
        joined = tf.RaggedTensor.from_row_lengths(words.strings, words.counts, validate=False)
        ragged = self.tokenizer.ragged_ids(tf.strings.reduce_join(joined, axis=1, separator=" "))
        return self._windows(ragged, self._first_tokens(ragged, rows, starts, starts + sizes), length)

    def _first_tokens(self, ragged, rows, starts, ends):
        """The first token that overlaps each word; -1 where none does."""
        token_rows = row_ids(ragged.lengths)
        first = tf.searchsorted(token_rows * _FAR + ragged.ends, rows * _FAR + starts, side="right", out_type=tf.int64)
        token_starts = tf.concat([token_rows * _FAR + ragged.starts, [tf.int64.max]], 0)
        return tf.where(tf.gather(token_starts, first) < rows * _FAR + ends, first, -1)

    def _windows(self, ragged, first, length):
        special_ids = self.tokenizer.template.special_ids(1, length)
        room = length - sum(map(len, special_ids))
        rows, counts = row_ids(ragged.lengths), tf.maximum(-(-ragged.lengths // room), 1)
        index = tf.range(tf.size(rows, tf.int64)) - tf.gather(row_starts(ragged.lengths), rows)
        window = tf.gather(row_starts(counts), rows) + index // room
        total = tf.reduce_sum(counts)
        ids = join([(ragged.ids, row_lengths(window, total))], special_ids, total)
        positions = tf.stack([window, len(special_ids[0]) + index % room], 1)
        positions = tf.concat([positions, [[-1, 0]]], 0)  # the last row is for words without a token
        return ids, tf.gather(positions, tf.where(first < 0, tf.size(window, tf.int64), first)), row_starts(counts)


def gather_words(scores: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """The scores of words, (words, tags), from scores of windows, (windows, time, tags); zeros at window -1.

    `positions` is (words, 2) as `GraphWordTokenizer` returns them.
    """
    return tf.where(positions[:, :1] < 0, 0.0, tf.gather_nd(scores, tf.maximum(positions, 0)))


def pad_words(values: tf.Tensor, counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(words, width) as (texts, words, width), and the padding mask; there is always a column of padding."""
    rows = tf.RaggedTensor.from_row_lengths(values, counts, validate=False).to_tensor()
    size = tf.reduce_max(tf.concat([counts, [0]], 0)) + 1
    rows = tf.pad(rows, [[0, 0], [0, size - tf.shape(rows, tf.int64)[1]], [0, 0]])
    return rows, tf.range(size) < counts[:, None]


def slice_words(texts: tf.Tensor, words: Words, first: tf.Tensor, last: tf.Tensor) -> dict[str, tf.Tensor]:
    """{"texts", "starts", "ends"} of runs of words, (texts, runs) each; "" and -1 where `first` is -1.

    `first` and `last` are (texts, runs) indices of the first and the last word of each run.
    """
    begin = row_starts(words.counts)[:, None]
    valid, missing = first >= 0, tf.constant([-1], tf.int64)
    starts, ends = (
        tf.gather(
            tf.concat([column, missing], 0),
            tf.where(valid, begin + tf.cast(index, tf.int64), tf.size(column, tf.int64)),
        )
        for column, index in ((words.starts, first), (words.ends, last))
    )
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    texts = tf.broadcast_to(texts[:, None], tf.shape(starts))
    runs = tf.strings.substr(tf.where(valid, texts, ""), tf.maximum(starts, 0), ends - starts, "UTF8_CHAR")
    return {"texts": runs, "starts": starts, "ends": ends}
