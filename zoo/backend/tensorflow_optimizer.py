"""AdamW on TensorFlow that steps as far as on other backends where rows of a weight are looked up."""

import keras
import tensorflow as tf


class AdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` that adds up a row's gradients where it was looked up several times.

    Keras squares each of them alone, so that such rows go further than on other backends.
    """

    def apply(self, grads, trainable_variables=None):
        return super().apply([_whole(gradient) for gradient in grads], trainable_variables)


def _whole(gradient):
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])
