"""Counter-based random numbers inside a TensorFlow graph, equal to the bit to those of `zoo.generation.noise`."""

import tensorflow as tf

from zoo.generation.noise import FRACTION_BITS, GAMMA, LAST_SHIFT, MULTIPLIERS


def hash_ids(ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The hash of each row's first ids, (rows,) uint64. `ids` is (rows, time), `lengths` (rows,)."""
    time = tf.shape(ids, tf.int64)[1]
    positions = tf.cast(tf.range(1, time + 1), tf.uint64)
    hashes = _mix(positions * _constant(GAMMA) + _unsigned(ids))
    return tf.reduce_sum(tf.where(tf.sequence_mask(lengths, time), hashes, tf.zeros_like(hashes)), axis=1)


def prompt_keys(prompts: tf.Tensor, sources: tf.Tensor) -> tf.Tensor:
    """`zoo.generation.noise.prompt_key` of rows, (rows,) uint64, from the `hash_ids` of prompts and of sources.

    The hash of the source of a network without one is 0.
    """
    return _mix(sources) + prompts


def graph_noise(seeds: tf.Tensor, keys: tf.Tensor, repeats: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Uniform random numbers in [0, 1), (rows, time) float32, of the steps from 0. The arguments are (rows,) each."""
    start = _mix(_xor(_mix(_xor(_mix(_unsigned(seeds)), keys)), _unsigned(repeats)))
    steps = tf.cast(tf.range(1, time + 1), tf.uint64)
    bits = _shift(_mix(start[:, None] + steps * _constant(GAMMA)), 64 - FRACTION_BITS)
    return tf.cast(tf.cast(bits, tf.int64), tf.float32) * 2.0**-FRACTION_BITS


def _mix(z):
    for shift, factor in MULTIPLIERS:
        z = _xor(z, _shift(z, shift)) * _constant(factor)
    return _xor(z, _shift(z, LAST_SHIFT))


_xor = tf.bitwise.bitwise_xor


def _shift(z, bits):
    return tf.bitwise.right_shift(z, _constant(bits))


def _unsigned(numbers):
    return tf.cast(tf.cast(numbers, tf.int64), tf.uint64)


def _constant(number):
    return tf.constant(number, tf.uint64)
