"""Counter-based random numbers of sampling: each depends on a seed, a prompt and a step alone, never on the batch.

SplitMix64 (Steele et al. 2014, figure 17, https://doi.org/10.1145/2660193.2660195), whose n-th number is a hash of n:
no state is carried from step to step. It is arithmetic of 64-bit integers, so every backend gets the same numbers, and
`zoo.export.graph.graph_noise` computes them inside a TensorFlow graph.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

GAMMA = 0x9E3779B97F4A7C15  # the golden ratio times 2**64
MULTIPLIERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # (shift, factor) of the hash's rounds
LAST_SHIFT = 31
FRACTION_BITS = 24  # of a float32 in [0, 1)


def prompt_key(prompt: Sequence[int], source: Sequence[int] = ()) -> int:
    """The hash of a prompt's ids, 64 bits; of an encoder-decoder also of its source's ids."""
    return int((_mix(_hash_ids(source)) + _hash_ids(prompt))[0])


def repeat_numbers(keys: Sequence[int]) -> list[int]:
    """For each key how many of the keys before it are equal."""
    counts, numbers = Counter(), []
    for key in keys:
        numbers.append(counts[key])
        counts[key] += 1
    return numbers


def noise(
    seed: int | Sequence[int], key: int | Sequence[int], repeat: int | Sequence[int], steps: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Uniform random numbers in [0, 1), (rows, time) float32.

    Args:
        seed, key, repeat: an integer, or one for each row: the seed, `prompt_key`, and the number of the prompt among
            equal prompts.
        steps: (time,) or (rows, time) numbers of new tokens, from 0.
    """
    start = _mix(_mix(_mix(_unsigned(seed)) ^ _unsigned(key)) ^ _unsigned(repeat))
    counters = start[:, None] + (_unsigned(steps) + np.uint64(1)) * np.uint64(GAMMA)
    return (_mix(counters) >> np.uint64(64 - FRACTION_BITS)).astype("float32") * np.float32(2.0**-FRACTION_BITS)


def _hash_ids(ids):
    """The sum of a hash of each id and its position, a numpy array of one number."""
    positions = np.arange(1, len(ids) + 1, dtype=np.uint64)
    return _mix(positions * np.uint64(GAMMA) + _unsigned(ids)).sum(dtype=np.uint64, keepdims=True)


def _mix(z):
    """The hash of 64-bit integers in an array: a bijection, in which each bit depends on every bit."""
    for shift, factor in MULTIPLIERS:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z ^ (z >> np.uint64(LAST_SHIFT))


def _unsigned(numbers):
    """Integers of any size and sign as an array of their lowest 64 bits."""
    numbers = numbers if isinstance(numbers, np.ndarray) else np.array(numbers, object)
    numbers = np.atleast_1d(numbers)
    if numbers.dtype == object:
        numbers = np.array([int(number) % 2**64 for number in numbers.flat], np.uint64).reshape(numbers.shape)
    return numbers.astype(np.uint64)
