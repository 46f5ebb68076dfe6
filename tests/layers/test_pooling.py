"""One vector a text."""

import numpy as np
import pytest
from keras import ops

from zoo.layers.pooling import KINDS, Pooling

VISIBLE = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32") - 3  # so that a padded 0 would be largest


def pooled(kind, x):
    layer = Pooling(kind)
    return ops.convert_to_numpy(layer(x, VISIBLE)), layer


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("max", lambda x: x.max(0)),
        ("mean", lambda x: x.mean(0)),
        ("first", lambda x: x[0]),
        ("last", lambda x: x[-1]),
    ],
)
def test_pools_visible_tokens_only(kind, expected, x):
    found, _ = pooled(kind, x)
    np.testing.assert_allclose(found[0], expected(x[0]), rtol=1e-6)
    np.testing.assert_allclose(found[1], expected(x[1, :2]), rtol=1e-6)


def test_attention_is_a_learned_weighted_mean(x):
    found, layer = pooled("attention", x)
    kernel, bias, score = [ops.convert_to_numpy(weight) for weight in layer.weights]
    weights = np.exp(np.tanh(x[1, :2] @ kernel + bias) @ score)
    np.testing.assert_allclose(found[1], (weights / weights.sum() * x[1, :2]).sum(0), rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_without_tokens_is_zero(kind, x):
    assert not pooled(kind, x)[0][2].any()


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown pooling. Received: 'maxx'. Did you mean 'max'\?"):
        Pooling("maxx")
