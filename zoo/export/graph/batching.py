"""Dynamic batching inside a graph: concurrent requests are concatenated, run once, and their rows handed back.

It is TensorFlow's operation BatchFunction, so any program that runs the graph batches: a server, Python, C.
"""

from collections.abc import Callable
from uuid import uuid4

import tensorflow as tf

from zoo.export.export_options import Batching

Columns = dict[str, tf.Tensor]


def batched(function: Callable[..., Columns], batching: Batching | None) -> Callable[..., Columns]:
    """A function of columns, (rows, ...) tensors each, that runs the rows of concurrent calls as one batch.

    Args:
        function: from columns to {name: (rows, ...) tensor}. What it returns for a row must not depend on other rows,
            but for padding.
        batching: None: no batching.

    A call with more rows than a batch holds is run alone, at once. A call without rows is run as one of a row of ""
    and 0, of which nothing is returned.
    """
    if batching is None:
        return lambda *columns: _with_a_row(function, columns)
    traced = tf.function(function, autograph=False)
    in_batch = tf.nondifferentiable_batch_function(
        num_batch_threads=batching.threads,
        max_batch_size=batching.max_batch_size,
        batch_timeout_micros=batching.timeout_micros,
        max_enqueued_batches=batching.max_enqueued,
        autograph=False,
        enable_large_batch_splitting=False,  # parts of a request may be padded to different sizes
    )

    queue = f"queue_{uuid4().hex}"  # in one process, batch functions of the same name scope share a queue

    def run(*columns: tf.Tensor) -> Columns:
        outputs = traced.get_concrete_function(*map(_spec, columns)).structured_outputs
        names = sorted(outputs)

        def tensors(*rows):
            values = traced(*rows)
            return [values[name] for name in names]

        def in_queue():
            with tf.name_scope(queue):
                return in_batch(tensors)(*columns)

        fits = tf.size(columns[0]) <= batching.max_batch_size
        values = tf.cond(fits, in_queue, lambda: tensors(*columns))
        for name, value in zip(names, values, strict=True):
            value.set_shape(outputs[name].shape)
        return dict(zip(names, values, strict=True))

    return lambda *columns: _with_a_row(run, columns)


def _with_a_row(function, columns):
    """The outputs of at least one row, of which there are as many as rows in the columns."""
    rows = tf.size(columns[0])
    missing = tf.maximum(1 - rows, 0)[None]
    columns = [tf.concat([column, tf.fill(missing, _filler(column.dtype))], 0) for column in columns]
    return {name: value[:rows] for name, value in function(*columns).items()}


def _filler(dtype):
    return tf.constant("" if dtype == tf.string else 0, dtype)


def _spec(column):
    return tf.TensorSpec([None], column.dtype)
