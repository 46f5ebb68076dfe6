"""Shape bucketing: sizes rounded up to a ladder of buckets or to a power of two, so that few shapes are compiled.

JAX and TensorFlow compile a function once for each shape of its arguments.
"""

import keras
import numpy as np

BUCKETS = (8, *(n << i for i in range(20) for n in (16, 24)))  # 8, 16, 24, 32, 48, 64, 96, 128 ...
ALIGNMENT, TILE = 8, 64  # elements of 16 bits: of which tensor cores need a multiple, and are fastest with


def bucket(lengths: np.ndarray | int, longest: int) -> np.ndarray:
    """The bucket of each length: the length after padding.

    Args:
        lengths: integers of any shape, in tokens.
        longest: upper bound of the buckets: the length of the longest example.
    """
    ladder = np.array(BUCKETS)
    return np.minimum(ladder[np.searchsorted(ladder, lengths)], longest)


def power_of_two(number: int) -> int:
    """The smallest power of two that is at least `number`, a positive integer."""
    return 1 << (number - 1).bit_length()


def data_devices() -> int:
    """Groups of devices among which the rows of a batch are split: 1 without a current `keras.distribution`."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.num_model_replicas


def padded_rows(number: int) -> int:
    """Rows of a padded batch: a power of two of at least `number`, and a multiple of `data_devices()`."""
    return -(-power_of_two(number) // data_devices()) * data_devices()
