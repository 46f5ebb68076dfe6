"""Pooling over time: one vector per text."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.layers.pooling import POOLINGS, Pooling, pool

PADDING_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32") - 3  # so that a padded 0 would be largest


def pooled(kind, x):
    layer = Pooling(kind)
    return ops.convert_to_numpy(layer(x, PADDING_MASK)), layer


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("max", lambda x: x.max(0)),
        ("mean", lambda x: x.mean(0)),
        ("first", lambda x: x[0]),
        ("last", lambda x: x[-1]),
    ],
)
def test_padding_is_not_pooled(kind, expected, x):
    actual, _ = pooled(kind, x)
    np.testing.assert_allclose(actual[0], expected(x[0]), rtol=1e-6)
    np.testing.assert_allclose(actual[1], expected(x[1, :2]), rtol=1e-6)


def test_attention_is_a_learned_weighted_mean(x):
    actual, layer = pooled("attention", x)
    kernel, bias, score = [ops.convert_to_numpy(weight) for weight in layer.weights]
    weights = np.exp(np.tanh(x[1, :2] @ kernel + bias) @ score)
    np.testing.assert_allclose(actual[1], (weights / weights.sum() * x[1, :2]).sum(0), rtol=1e-5)


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_text_without_tokens_is_zero(kind, x):
    assert not pooled(kind, x)[0][2].any()


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown pooling. Received: 'maxx'. Did you mean 'max'\?"):
        Pooling("maxx")


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_compiled_training_step_equals_an_eager_one(kind):
    """A compiler may compute a pooled element twice, rounded differently: the gradient of the maximum was lost."""
    architecture = TransformerEncoder(vocabulary=50, width=16, depth=2, heads=2, hidden=24, dropout=0.0)
    tokens = np.random.default_rng(0).integers(1, 50, (8, 8)).astype("int32")
    steps = []
    for eager in (False, True):
        keras.utils.set_random_seed(0)
        backbone = architecture.backbone()
        model = keras.Model(backbone.input, pool(architecture, backbone, kind))
        before = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
        model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=eager)
        model.train_on_batch({"tokens": tokens}, np.ones((8, 16), "float32"))
        after = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
        steps.append([b - a for a, b in zip(before, after, strict=True)])
    for compiled, expected in zip(*steps, strict=True):
        np.testing.assert_allclose(compiled, expected, atol=1e-4 * max(1e-2, abs(expected).max()))  # or rounding of 1.0
