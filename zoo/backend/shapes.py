"""Shape bucketing: sizes rounded up to a ladder of buckets or to a power of two, so that few shapes are compiled.

JAX and TensorFlow compile a function once for each shape of its arguments.
"""

import numpy as np

BUCKETS = (8, *(n << i for i in range(20) for n in (16, 24)))  # 8, 16, 24, 32, 48, 64, 96, 128 ...


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
