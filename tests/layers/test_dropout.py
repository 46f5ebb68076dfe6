"""Dropout: how much is kept, how large it becomes, and what is decided together."""

import keras
import numpy as np
import pytest

from zoo.layers.dropout import Dropout


def dropped(shape, rate, calls=1, **options):
    layer = Dropout(rate, **options)
    outputs = [keras.ops.convert_to_numpy(layer(np.ones(shape, "float32"), training=True)) for _ in range(calls)]
    return outputs[0] if calls == 1 else outputs


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_as_much_as_asked_is_left_out_and_the_mean_stays(rate):
    y = dropped((40, 50, 51), rate)
    assert np.unique(y) == pytest.approx([0, 1 / (1 - rate)], rel=1e-3)
    assert (y == 0).mean() == pytest.approx(rate, abs=0.006)  # four standard deviations
    assert y.mean() == pytest.approx(1, abs=0.04)


def test_neighbours_rows_and_calls_are_independent():
    first, second = dropped((64, 16, 64), 0.5, calls=2)
    others = [second, np.roll(first, 1, 0), np.roll(first, 1, 1), np.roll(first, 1, 2), np.roll(first, 2, 2)]
    for other in others:
        assert np.corrcoef(first.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.016)


def test_one_decision_for_all_tokens():
    y = dropped((8, 5, 16), 0.5, noise_shape=(None, 1, None))
    assert np.all(y == y[:, :1])
    assert {*np.unique(y)} == {0.0, 2.0}


def test_nothing_is_left_out_unless_training():
    x = np.ones((3, 4), "float32")
    assert np.array_equal(keras.ops.convert_to_numpy(Dropout(0.5)(x)), x)
    assert np.array_equal(keras.ops.convert_to_numpy(Dropout(0.0)(x, training=True)), x)


@pytest.mark.parametrize("rate", [-0.1, 1, 2])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match=f"below 1. Received: rate={rate}"):
        Dropout(rate)
