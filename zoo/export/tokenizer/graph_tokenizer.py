"""The tokenizer inside a TensorFlow graph, of core operations only, so that any TensorFlow server runs it."""

from collections.abc import Sequence

import tensorflow as tf

from zoo.export.tokenizer.from_tokenizer import reader_for
from zoo.export.tokenizer.ragged import gather_runs, row_starts
from zoo.export.tokenizer.readers import RaggedIds
from zoo.text.template import SpecialTokenTemplate
from zoo.text.tokenizer import Tokenizer


class GraphTokenizer(tf.Module):
    """A `Tokenizer` inside a TensorFlow graph: the same ids, for strings of any bytes.

    Raises `UserError`, with the reason, where a tokenizer that the zoo did not train has no exact equal.
    """

    def __init__(self, tokenizer: Tokenizer):
        super().__init__()
        self.template = tokenizer.template
        reader = reader_for(tokenizer.backend)
        self.tables = reader  # an attribute, so that they are tracked
        self.reader = tf.function(reader, [tf.TensorSpec([None], tf.string)], autograph=False)  # traced once

    @tf.autograph.experimental.do_not_convert  # no Python control flow depends on tensors: half the time to trace
    def ragged_ids(self, texts: tf.Tensor) -> RaggedIds:
        """The `RaggedIds` of texts, (texts,) strings, without special ids."""
        return self.reader(texts)

    @tf.autograph.experimental.do_not_convert
    def __call__(
        self, texts: tf.Tensor, pairs: tf.Tensor | None = None, length: int | None = None, special: bool = True
    ) -> tf.RaggedTensor:
        """The ids of each text or pair, a `tf.RaggedTensor` (texts, None) of int32.

        `texts` and `pairs` are string tensors (texts,); `length` and `special` are as in `Tokenizer.encode`. Call it in
        a `tf.function` whose input is `tf.TensorSpec([None], tf.string)`.
        Raises `UserError` if `length` has no room for the special ids.
        """
        columns = [self.reader(column)[:2] for column in (texts, pairs) if column is not None]
        template = self.template if special else SpecialTokenTemplate()
        special_ids = template.special_ids(len(columns), length)
        if length is not None:
            columns = _truncate(columns, length - sum(map(len, special_ids)))
        return join(columns, special_ids, tf.size(texts, tf.int64))

    @tf.autograph.experimental.do_not_convert
    def encode(self, texts: tf.Tensor, padding: int) -> dict[str, tf.Tensor]:
        """The ids of texts, (texts,) strings, with special ids and character offsets, as of `Tokenizer.encode`.

        `ids`, `starts` and `ends`, the first and the past-the-last character (0, 0 of a special id), are (texts, time),
        filled up with `padding` and -1; `length`, (texts,) int32, counts the ids of each.
        """
        ragged, special_ids = self.reader(texts), self.template.special_ids(1)
        no_characters = [[0] * len(ids) for ids in special_ids]

        def rows(values, special):
            return join([(tf.cast(values, tf.int32), ragged.lengths)], special, tf.size(texts, tf.int64))

        ids = rows(ragged.ids, special_ids)
        starts, ends = (rows(values, no_characters).to_tensor(-1) for values in (ragged.starts, ragged.ends))
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        return {"ids": ids.to_tensor(padding), "starts": starts, "ends": ends, "length": lengths}


def _truncate(columns, room):
    """The `(ids, lengths)` of 1 or 2 columns of texts, cut so that a row has at most `room` ids."""
    counts = _truncated_lengths([lengths for _, lengths in columns], room)
    return [
        (gather_runs(ids, row_starts(lengths), count), count)
        for (ids, lengths), count in zip(columns, counts, strict=True)
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


def join(
    columns: Sequence[tuple[tf.Tensor, tf.Tensor]], special_ids: Sequence[Sequence[int]], rows: tf.Tensor
) -> tf.RaggedTensor:
    """A row for each text or pair: special ids and the ids of columns, `(ids, lengths)` each, in turn."""
    runs = [_repeat(special_ids[0], rows)]
    for column, after in zip(columns, special_ids[1:], strict=True):
        runs += [column, _repeat(after, rows)]
    total = tf.add_n([lengths for _, lengths in runs])
    starts, indices = row_starts(total), []
    for _, lengths in runs:
        indices.append(tf.cast(gather_runs(tf.range(tf.reduce_sum(total)), starts, lengths), tf.int32))
        starts += lengths
    ids = tf.dynamic_stitch(indices, [ids for ids, _ in runs])
    return tf.RaggedTensor.from_row_lengths(ids, total, validate=False)


def _repeat(ids, rows):
    """`(ids, lengths)` of a column with the same ids in every row."""
    return tf.tile(tf.constant(ids, tf.int32), tf.cast(rows, tf.int32)[None]), tf.fill(
        [rows], tf.constant(len(ids), tf.int64)
    )
