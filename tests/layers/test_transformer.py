"""Transformer parts and masked convolutions: feed-forward, residual connection, norms, GELU."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.convolution import MaskedConv1D
from zoo.layers.transformer import FeedForward, gelu_tanh, residual, rms_norm


def array(tensor):
    return ops.convert_to_numpy(tensor)


def random_array(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def normalized(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def test_feed_forward_is_two_dense_layers():
    layer, x = FeedForward(12, dropout=0.5), random_array(2, 3, 8)
    actual = array(layer(x))
    up, up_bias, down, down_bias = [array(weight.value) for weight in layer.trainable_weights]
    np.testing.assert_allclose(actual, np.maximum(x @ up + up_bias, 0) @ down + down_bias, atol=1e-5)
    assert np.abs(array(layer(x, training=True)) - actual).max() > 1e-3


@pytest.mark.parametrize(
    ("norm", "expected"),
    [("pre", lambda x: x + 2 * normalized(x)), ("post", lambda x: normalized(x + 2 * x))],
)
def test_residual_normalises_before_or_after(norm, expected):
    inputs, x = keras.Input((None, 8)), random_array(2, 3, 8)
    model = keras.Model(inputs, residual(inputs, lambda y: 2 * y, norm, 0.1, "block"))
    np.testing.assert_allclose(array(model(x)), expected(x), atol=1e-4)


def test_an_unknown_norm_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown norm. Received: 'past'. Did you mean 'post'\?"):
        residual(keras.Input((None, 8)), lambda y: y, "past", 0.1, "block")


@pytest.mark.parametrize(("padding", "shifts"), [("same", (-2, 0, 2)), ("causal", (-4, -2, 0))])
def test_convolution_masks_padding(padding, shifts):
    layer = MaskedConv1D(5, 3, padding=padding, dilation_rate=2)
    x, padding_mask = random_array(2, 7, 4), np.array([[1] * 7, [1] * 4 + [0] * 3], bool)
    actual, (kernel, bias) = array(layer(x, padding_mask)), [array(weight.value) for weight in layer.weights]
    padded = np.pad(x * padding_mask[..., None], ((0, 0), (4, 4), (0, 0)))
    expected = sum(padded[:, 4 + s : 11 + s] @ w for s, w in zip(shifts, kernel, strict=True)) + bias
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_a_gated_feed_forward_multiplies_two_dense_layers():
    layer, x = FeedForward(12, activation="silu", gated=True, use_bias=False), random_array(2, 3, 8)
    actual = array(layer(x))
    gate, up, down = (array(getattr(layer, name).kernel) for name in ("gate", "up", "down"))
    gated = x @ gate
    np.testing.assert_allclose(actual, (gated / (1 + np.exp(-gated)) * (x @ up)) @ down, atol=1e-5)
    assert len(layer.trainable_weights) == 3


def test_gelu_by_tanh():
    x = random_array(3, 4)
    np.testing.assert_allclose(
        array(gelu_tanh(x)), 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))), atol=1e-6
    )
    exact = array(keras.activations.gelu(x, approximate=False))
    assert 1e-6 < np.abs(array(gelu_tanh(x)) - exact).max() < 1e-3


def test_kernels_are_initialised_with_init_std():
    layer = FeedForward(400, init_std=0.02, out_init_std=0.005)
    layer.build((None, None, 300))
    assert array(layer.up.kernel).std() == pytest.approx(0.02, rel=0.05)
    assert array(layer.down.kernel).std() == pytest.approx(0.005, rel=0.05)


def test_rms_norm_divides_by_the_root_mean_square():
    inputs, x = keras.Input((3, 8)), random_array(2, 3, 8)
    model = keras.Model(inputs, rms_norm(inputs, "norm", 1e-6))
    np.testing.assert_allclose(array(model(x)), x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6), atol=1e-5)
