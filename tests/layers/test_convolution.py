"""Convolutions against Keras's own with the same weights."""

import keras
import numpy as np
import pytest

from zoo.layers.convolution import Conv1D


@pytest.mark.parametrize("padding", ["same", "valid", "causal"])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (4, 1), (4, 2), (3, 3)])
def test_the_same_as_keras(padding, kernel, dilation):
    x = np.random.default_rng(0).standard_normal((2, 11, 6)).astype("float32")
    options = {"padding": padding, "dilation_rate": dilation, "activation": "tanh", "bias_initializer": "normal"}
    ours, theirs = Conv1D(5, kernel, **options), keras.layers.Conv1D(5, kernel, **options)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    y, expected = (keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs))
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, atol=1e-5)
