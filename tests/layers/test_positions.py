"""Position encodings: sinusoidal, learned and rotary."""

import numpy as np
import pytest
from keras import ops

from zoo.layers.positions import LearnedPositions, RotaryPositions, SinusoidalPositions, _scale_frequencies

ROBOT = [  # the course's table for "I am a Robot", width 4, base 100
    [0, 1, 0, 1],
    [0.84147098, 0.54030231, 0.09983342, 0.99500417],
    [0.90929743, -0.41614684, 0.19866933, 0.98006658],
    [0.14112001, -0.9899925, 0.29552021, 0.95533649],
]


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_sinusoidal_table_of_the_course():
    actual = SinusoidalPositions(base=100.0)(np.zeros((1, 4, 4), "float32"))
    np.testing.assert_allclose(array(actual)[0], ROBOT, atol=1e-6)


@pytest.mark.parametrize("width", [6, 7])
def test_sinusoidal_encoding_of_explicit_positions(width):
    positions = np.array([[0, 1, 0, 1, 2], [7, 8, 9, 10, 11]])
    actual = array(SinusoidalPositions()(np.ones((2, 5, width), "float32"), positions))
    angles = positions[..., None] / 10_000 ** (np.arange(width) // 2 * 2 / width)
    expected = 1 + np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_learned_positions_add_rows_of_their_table():
    layer, x = LearnedPositions(8), np.ones((2, 5, 3), "float32")
    actual, table = array(layer(x)), array(layer.embeddings)
    np.testing.assert_allclose(actual, np.broadcast_to(1 + table[:5], (2, 5, 3)), rtol=1e-6)
    positions = np.array([[0, 1, 0, 1, 2], [3, 4, 5, 6, 7]])
    np.testing.assert_allclose(array(layer(x, positions)), 1 + table[positions], rtol=1e-6)


def test_a_text_longer_than_the_table_is_refused():
    with pytest.raises(ValueError, match=r"longer than the table of learned positions. Received: 9 tokens, length=8"):
        LearnedPositions(8)(np.ones((1, 9, 3), "float32"))


def test_rotary_positions_rotate_pairs_as_complex_numbers():
    x = np.random.default_rng(0).normal(size=(2, 5, 3, 8)).astype("float32")
    positions = np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]])
    angles = positions[..., None, None] / 10_000 ** (np.arange(4) / 4)
    rotated = (x[..., :4] + 1j * x[..., 4:]) * np.exp(1j * angles)
    expected = np.concatenate([rotated.real, rotated.imag], axis=-1)
    np.testing.assert_allclose(array(RotaryPositions()(x, positions)), expected, atol=1e-5)
    np.testing.assert_allclose(array(RotaryPositions()(x))[0], expected[0], atol=1e-5)


def test_rotary_products_depend_on_distance_alone():
    q, k = np.random.default_rng(1).normal(size=(2, 1, 1, 1, 8)).astype("float32")
    rope = RotaryPositions()

    def product(i, j):
        return np.sum(array(rope(q, np.array([[i]]))) * array(rope(k, np.array([[j]]))))

    assert product(3, 5) == pytest.approx(product(103, 105), abs=1e-4)


def test_rotary_positions_refuse_an_odd_width():
    with pytest.raises(ValueError, match=r"even head width. Received: 7"):
        RotaryPositions()(np.ones((1, 2, 3, 7), "float32"))


def test_rope_scaling_divides_low_frequencies_only():
    """Llama 3's scaling by hand: wavelengths well below 8192 tokens, in between, and above."""
    frequencies = np.array([1.0, 2 * np.pi * 2.5 / 8192, 2 * np.pi * 0.5 / 8192])
    actual = _scale_frequencies(frequencies, 8.0) / frequencies
    np.testing.assert_allclose(actual, [1, 0.5 + 0.5 / 8, 1 / 8], rtol=1e-6)
    np.testing.assert_allclose(_scale_frequencies(frequencies, 1.0), frequencies)


def test_learned_positions_begin_after_an_offset():
    layer = LearnedPositions(4, offset=2)
    x = layer(np.zeros((1, 4, 3), "float32"))
    table = ops.convert_to_numpy(layer.embeddings)
    assert table.shape == (6, 3)
    np.testing.assert_array_equal(ops.convert_to_numpy(x)[0], table[2:])
