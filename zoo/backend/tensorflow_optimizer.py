"""AdamW on TensorFlow whose steps for embedding rows are as long as on other backends."""

import keras
import tensorflow as tf


class AdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` that adds up the gradients of an embedding row that a batch looks up several times.

    Keras squares each of these gradients alone, so that such rows take longer steps than on other backends.
    """

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """One step of the weights, with gradients in their order."""
        super().apply([_dense(gradient) for gradient in grads], trainable_variables)


def _dense(gradient):
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])
