"""Dropout: the share of zeros, the mean, independence, and noise shapes."""

import keras
import numpy as np
import pytest

from zoo.layers.dropout import Dropout, variational_dropout


def dropped(shape, rate, calls=1, **options):
    layer = Dropout(rate, **options)
    outputs = [keras.ops.convert_to_numpy(layer(np.ones(shape, "float32"), training=True)) for _ in range(calls)]
    return outputs[0] if calls == 1 else outputs


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_of_zeros_is_the_rate_and_the_mean_stays(rate):
    y = dropped((40, 50, 51), rate)
    assert np.unique(y) == pytest.approx([0, 1 / (1 - rate)], rel=1e-3)
    assert (y == 0).mean() == pytest.approx(rate, abs=0.006)  # four standard deviations
    assert y.mean() == pytest.approx(1, abs=0.04)


def test_neighbours_rows_and_calls_are_independent():
    first, second = dropped((64, 16, 64), 0.5, calls=2)
    others = [second, np.roll(first, 1, 0), np.roll(first, 1, 1), np.roll(first, 1, 2), np.roll(first, 2, 2)]
    for other in others:
        assert np.corrcoef(first.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.016)


def test_noise_shape_gives_all_tokens_one_mask():
    y = dropped((8, 5, 16), 0.5, noise_shape=(None, 1, None))
    assert np.all(y == y[:, :1])
    assert {*np.unique(y)} == {0.0, 2.0}


def test_variational_dropout_is_the_same_at_every_token():
    y = keras.ops.convert_to_numpy(variational_dropout(0.5, "dropout")(np.ones((4, 7, 32), "float32"), training=True))
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, 2}
    assert not (y[0] == y[1]).all()


def test_no_dropout_at_inference():
    x = np.ones((3, 4), "float32")
    assert np.array_equal(keras.ops.convert_to_numpy(Dropout(0.5)(x)), x)
    assert np.array_equal(keras.ops.convert_to_numpy(Dropout(0.0)(x, training=True)), x)


@pytest.mark.parametrize("rate", [-0.1, 1, 2])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match=f"below 1. Received: rate={rate}"):
        Dropout(rate)
