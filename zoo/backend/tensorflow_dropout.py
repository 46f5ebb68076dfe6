"""Dropout on TensorFlow with 16 random bits per element."""

import keras
import tensorflow as tf


def dropout(x: tf.Tensor, rate: float, seed: keras.random.SeedGenerator, noise_shape: tuple | None = None) -> tf.Tensor:
    """Dropout, as in `zoo/backend/jax_dropout.py`.

    Each random number of 32 bits serves two elements: half the time of `keras.random.dropout`. So rates are
    rounded to 1 / 65536.
    """
    sizes = tf.shape(x)
    shape = noise_shape or (None,) * x.shape.rank
    sizes = tf.stack([sizes[i] if noise is None else noise for i, noise in enumerate(shape)])
    size, bound = tf.reduce_prod(sizes), round(rate * 2**16)
    bits = tf.random.stateless_uniform([(size + 1) // 2], tf.cast(seed.next(), "int32"), None, None, "int32")
    bits = tf.reshape(tf.reshape(tf.bitcast(bits, "int16"), [-1])[:size], sizes)
    return x * (tf.cast(bits >= bound - 2**15, x.dtype) / (1 - bound / 2**16))
