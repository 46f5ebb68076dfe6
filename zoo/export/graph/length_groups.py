"""Length groups: a batch runs through the network in groups of rows of similar length, for little padding."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

GROUP = 16  # rows: enough for quick matrix products on a CPU, few enough for little padding
MASK_POSITIONS = "mask_positions"  # an input of (rows, masks), without a time axis


def run_in_length_groups(network: keras.Model, inputs: Mapping[str, tf.Tensor], padding: int) -> Any:
    """The outputs of a network for a batch, which runs in groups of `GROUP` rows, sorted by length.

    Concurrent requests are of different lengths, and padding costs as much as text.

    Args:
        network: its outputs for a row must not depend on other rows or on padding.
        inputs: {name: (rows, time) ids}, `tokens` among them; `mask_positions` are (rows, masks).
        padding: id of padding in `tokens`.
    """
    specs = keras.tree.flatten(network.output)
    has_time = [MASK_POSITIONS not in inputs and tuple(spec.shape[1:2]) == (None,) for spec in specs]
    rows, time = tf.unstack(tf.shape(inputs["tokens"]))
    lengths = tf.reduce_max(tf.where(inputs["tokens"] == padding, 0, tf.range(1, time + 1)), axis=1)
    order, groups = tf.argsort(lengths), (rows + GROUP - 1) // GROUP

    def run_group(i, arrays):  # the network is traced once, here: a function would be inlined wrongly in a session
        group = order[i * GROUP : (i + 1) * GROUP]
        longest = tf.maximum(lengths[group[-1]], 1)
        columns = {name: tf.gather(column, group) for name, column in inputs.items()}
        columns = {name: x if name == MASK_POSITIONS else x[:, :longest] for name, x in columns.items()}
        values = keras.tree.flatten(network(columns, training=False))
        values = [_pad(value, time) if pads else value for value, pads in zip(values, has_time, strict=True)]
        return i + 1, [array.write(i, value) for array, value in zip(arrays, values, strict=True)]

    arrays = [tf.TensorArray(spec.dtype, groups, infer_shape=False) for spec in specs]
    _, arrays = tf.while_loop(lambda i, _: i < groups, run_group, (0, arrays), parallel_iterations=1)
    original_order, values = tf.math.invert_permutation(order), []
    for array, spec in zip(arrays, specs, strict=True):
        values.append(tf.gather(array.concat(), original_order))
        values[-1].set_shape(spec.shape)
    return keras.tree.pack_sequence_as(network.output, values)


def _pad(value, time):
    """(rows, fewer tokens, ...) with zeros up to `time`."""
    missing = time - tf.shape(value)[1]
    return tf.pad(value, [[0, 0], [0, missing], *[[0, 0]] * (len(value.shape) - 2)])
