"""Length groups: a batch runs through the network in groups of rows of similar length, for little padding."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

GROUP = 16  # rows: enough for quick matrix products on a CPU, few enough for little padding
MASK_POSITIONS = "mask_positions"  # an input of (rows, masks), without a time axis


def run_in_length_groups(network: keras.Model, inputs: Mapping[str, tf.Tensor], padding: int) -> Any:
    """The outputs of a network for a batch, which runs in groups of `GROUP` rows, sorted by length.

    Concurrent requests are of different lengths, and padding costs as much as text. A batch of one group runs as it is.

    Args:
        network: its outputs for a row must not depend on other rows or on padding.
        inputs: {name: (rows, time) ids}, `tokens` among them; `mask_positions` are (rows, masks).
        padding: id of padding in `tokens`.
    """
    names = list(inputs)
    specs = [tf.TensorSpec([None, None], inputs[name].dtype) for name in names]

    @tf.function(input_signature=specs, autograph=False)
    def run(*columns):
        return keras.tree.flatten(network(dict(zip(names, columns, strict=True)), training=False))

    columns = list(inputs.values())
    rows = tf.shape(columns[0])[0]
    values = tf.cond(rows <= GROUP, lambda: run(*columns), lambda: _run_groups(run, network, inputs, padding))
    for value, output in zip(values, keras.tree.flatten(network.output), strict=True):
        value.set_shape(output.shape)
    return keras.tree.pack_sequence_as(network.output, values)


def _run_groups(run, network, inputs, padding):
    tokens, outputs = inputs["tokens"], keras.tree.flatten(network.output)
    has_time = [MASK_POSITIONS not in inputs and tuple(output.shape[1:2]) == (None,) for output in outputs]
    rows, time = tf.unstack(tf.shape(tokens))
    lengths = tf.reduce_max(tf.where(tokens == padding, 0, tf.range(1, time + 1)), axis=1)
    order, groups = tf.argsort(lengths), (rows + GROUP - 1) // GROUP

    def body(i, arrays):
        group = order[i * GROUP : (i + 1) * GROUP]
        longest = tf.maximum(lengths[group[-1]], 1)
        columns = {name: tf.gather(column, group) for name, column in inputs.items()}
        values = run(*(x if name == MASK_POSITIONS else x[:, :longest] for name, x in columns.items()))
        values = [_pad(value, time) if pads else value for value, pads in zip(values, has_time, strict=True)]
        return i + 1, [array.write(i, value) for array, value in zip(arrays, values, strict=True)]

    arrays = [tf.TensorArray(output.dtype, groups, infer_shape=False) for output in outputs]
    _, arrays = tf.while_loop(lambda i, _: i < groups, body, (0, arrays), parallel_iterations=1)
    places = tf.math.invert_permutation(order)
    return [tf.gather(array.concat(), places) for array in arrays]


def _pad(value, time):
    """(rows, fewer tokens, ...) with zeros up to `time`."""
    missing = time - tf.shape(value)[1]
    return tf.pad(value, [[0, 0], [0, missing], *[[0, 0]] * (len(value.shape) - 2)])
