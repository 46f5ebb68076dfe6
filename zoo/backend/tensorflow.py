"""What the zoo asks of TensorFlow beyond `keras.ops`."""

import tensorflow as tf


def random_state():
    """Global random state as {name: array}: Keras draws statelessly, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays.

    Args:
        signature: one such item; Keras would take the first two batches' lengths for everlasting, so every axis is
            declared free here.
    """
    spec = tf.nest.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), signature)
    return tf.data.Dataset.from_generator(stream, output_signature=spec).prefetch(2)
