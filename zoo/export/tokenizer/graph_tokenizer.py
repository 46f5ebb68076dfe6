"""The twin of a tokenizer inside a TensorFlow graph, of core operations only, so that any TensorFlow server runs it."""

import tensorflow as tf

from zoo.export.tokenizer.from_tokenizer import reader_of
from zoo.export.tokenizer.ragged import gather_runs, starts_of
from zoo.text.template import SpecialTokenTemplate


class GraphTokenizer(tf.Module):
    """Gives the same ids as its tokenizer, for strings of any bytes."""

    def __init__(self, tokenizer):
        super().__init__()
        self.template = tokenizer.template
        self.read = reader_of(tokenizer.backend)

    @tf.autograph.experimental.do_not_convert  # the graph is drawn as it stands: half the time to trace
    def pieces(self, texts):
        """Return the `RaggedIds` of texts, a string tensor (N,): ids, no special ones, and the characters of each."""
        return self.read(texts)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, texts, pairs=None, length=None, special=True):
        """Return the ids of each text or pair, a `tf.RaggedTensor` (N, None) of int32.

        `texts` and `pairs` are string tensors (N,); `length` and `special` are Python values, as in
        `Tokenizer.encode`. Call it in a `tf.function` whose input is `tf.TensorSpec([None], tf.string)`.
        Raises `UserError` if `length` has no room for the special tokens.
        """
        parts = [self.read(column)[:2] for column in (texts, pairs) if column is not None]
        template = self.template if special else SpecialTokenTemplate()
        around = template.special_ids(len(parts), length)
        if length is not None:
            parts = _truncate(parts, length - sum(map(len, around)))
        return join(parts, around, tf.size(texts, tf.int64))


def _truncate(parts, room):
    """The `(ids, lengths)` of 1 or 2 columns of texts, cut to `room` ids in each row together."""
    counts = _truncated_lengths([lengths for _, lengths in parts], room)
    return [
        (gather_runs(ids, starts_of(lengths), count), count)
        for (ids, lengths), count in zip(parts, counts, strict=True)
    ]


def _truncated_lengths(counts, room):
    """`zoo.text.template.truncated_lengths` for tensors of counts, (rows,) each."""
    if len(counts) == 1:
        return [tf.minimum(counts[0], room)]
    a, b = counts
    return [
        tf.minimum(a, tf.maximum(room - b, room - room // 2)),
        tf.minimum(b, tf.maximum(room - a, room // 2)),
    ]


def join(parts, around, rows):
    """Return one row for each text or pair: ids of special tokens and of parts in turn."""
    pieces = [_repeat(around[0], rows)]
    for part, after in zip(parts, around[1:], strict=True):
        pieces += [part, _repeat(after, rows)]
    total = tf.add_n([lengths for _, lengths in pieces])
    starts, places = starts_of(total), []
    for _, lengths in pieces:
        places.append(gather_runs(tf.range(tf.reduce_sum(total)), starts, lengths))
        starts += lengths
    ids = tf.dynamic_stitch([tf.cast(place, tf.int32) for place in places], [ids for ids, _ in pieces])
    return tf.RaggedTensor.from_row_lengths(ids, total, validate=False)


def _repeat(ids, rows):
    """Return the same ids for every row, and how many each row has."""
    return tf.tile(tf.constant(ids, tf.int32), tf.cast(rows, tf.int32)[None]), tf.fill(
        [rows], tf.constant(len(ids), tf.int64)
    )
