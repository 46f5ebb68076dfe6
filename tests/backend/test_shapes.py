"""Shape bucketing: buckets and powers of two."""

import numpy as np

from zoo.backend.shapes import BUCKETS, bucket, power_of_two


def test_a_bucket_is_the_next_size_of_the_ladder():
    assert bucket(np.array([1, 8, 9, 25, 100]), 100).tolist() == [8, 8, 16, 32, 100]
    assert BUCKETS[:8] == (8, 16, 24, 32, 48, 64, 96, 128)


def test_powers_of_two():
    assert [power_of_two(number) for number in (1, 2, 3, 8, 9)] == [1, 2, 4, 8, 16]
