"""Counter-based random numbers: uniform, independent of the batch, and SplitMix64 to the bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.generation.noise import GAMMA, _mix, noise, prompt_key, repeat_numbers

INTEGERS = st.integers(-(2**70), 2**70)


def test_the_hash_is_splitmix64():
    """The first numbers of the seed 1234567 of the reference implementation, https://prng.di.unimi.it/splitmix64.c."""
    counters = np.array([(1234567 + n * GAMMA) % 2**64 for n in range(1, 6)], np.uint64)
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert _mix(counters).tolist() == expected


def test_numbers_are_uniform_and_uncorrelated():
    numbers = noise(0, range(200), 0, range(500))
    assert numbers.shape == (200, 500)
    assert numbers.dtype == "float32"
    assert numbers.min() >= 0
    assert numbers.max() < 1
    np.testing.assert_allclose(np.histogram(numbers, 10, (0, 1))[0], 10_000, rtol=0.05)
    for axis in (0, 1):
        neighbours = np.moveaxis(numbers, axis, 0)
        assert abs(np.corrcoef(neighbours[:-1].ravel(), neighbours[1:].ravel())[0, 1]) < 0.01


@given(seed=INTEGERS, keys=st.lists(INTEGERS, min_size=1, max_size=5), first=st.integers(0, 1000))
def test_a_row_depends_on_its_own_arguments_alone(seed, keys, first):
    rows = noise(seed, keys, range(len(keys)), range(first + 9))
    for i, key in enumerate(keys):
        np.testing.assert_array_equal(noise(seed, key, i, range(first, first + 9)), rows[i : i + 1, first:])
    assert not np.array_equal(rows[:1], noise(seed + 1, keys[0], 0, range(first + 9)))
    assert not np.array_equal(rows[:1], noise(seed, keys[0], 1, range(first + 9)))


def test_keys_of_prompts():
    prompts = [((1, 2, 3), ()), ((1, 3, 2), ()), ((1, 2, 3, 0), ()), ((1, 2), (3,)), ((1,), (2, 3)), ((3,), (1, 2))]
    keys = [prompt_key(*prompt) for prompt in prompts]
    assert len(set(keys)) == len(keys)
    assert repeat_numbers([7, 8, 7, 7, 8]) == [0, 0, 1, 2, 1]
