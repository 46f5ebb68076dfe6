"""What every architecture of the catalog must do; a new file there is tested here without another line."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops
from tiny import shrunk

from zoo import catalog

SMALL = {"vocabulary": 40, "width": 8, "depth": 2, "hidden": 12, "filters": 5, "units": 6, "buckets": 31}
TOKENS = np.array([[5, 6, 37, 5, 9, 37, 2, 3], [4, 22, 4, 0, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0]], "int32")
ALONE = {1: 3, 2: 1}  # row: its length; few shapes, since JAX compiles every operation for each
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

pytestmark = pytest.mark.parametrize("name", catalog.names("architectures"))


def drawn(name):
    keras.utils.set_random_seed(3)
    return shrunk(name, **SMALL).trunk()


def features(trunk, tokens):
    return outputs(trunk, inputs(trunk, tokens))


def outputs(trunk, given):
    return ops.convert_to_numpy(ops.cast(trunk(given, training=False), "float32"))


def inputs(trunk, tokens):
    """The tokens for every input, of one type where there are types."""
    return {tensor.name: np.zeros_like(tokens) if tensor.name == "types" else tokens for tensor in trunk.inputs}


def test_a_feature_for_each_token_or_one_for_each_text(name):
    trunk, architecture = drawn(name), shrunk(name, **SMALL)
    found = features(trunk, TOKENS)
    assert found.ndim == (2 if architecture.pooling is None else 3)
    assert found.shape[: found.ndim - 1] == TOKENS.shape[: found.ndim - 1]
    assert np.isfinite(found).all()
    assert trunk.output.shape == (None,) * (found.ndim - 1) + found.shape[-1:]


def test_padding_changes_nothing(name):
    trunk = drawn(name)
    together = features(trunk, TOKENS)
    for row, length in ALONE.items():
        alone = features(trunk, TOKENS[row : row + 1, :length])[0]
        padded = together[row] if alone.ndim == 1 else together[row, :length]
        np.testing.assert_allclose(padded, alone, **CLOSE)


def test_causal_ones_ignore_later_tokens(name):
    trunk, architecture = drawn(name), shrunk(name, **SMALL)
    if architecture.pooling is None:
        return
    changed = inputs(trunk, TOKENS)
    last = list(changed)[-1 if architecture.inputs()[0] == "source" else 0]
    changed[last] = np.where((TOKENS > 0) & (np.arange(8) > 4), 1, TOKENS)
    same = np.isclose(outputs(trunk, changed), features(trunk, TOKENS), **CLOSE).all(-1)
    assert same[0, :5].all() == architecture.causal
    assert same[1:].all()


def test_texts_without_tokens(name):
    assert np.isfinite(features(drawn(name), np.zeros_like(TOKENS))).all()


def test_every_weight_learns(name):
    trunk, architecture = drawn(name), shrunk(name, **SMALL)
    architecture.fit(trunk, [row[row > 0] for row in TOKENS])
    before = [ops.convert_to_numpy(weight).copy() for weight in trunk.trainable_weights]
    model = keras.Model(trunk.inputs, keras.layers.Dense(2)(trunk.output))
    model.compile(keras.optimizers.SGD(0.1), "mse")  # the update that compiles quickest
    random = np.random.default_rng(0)
    goal = random.normal(size=(*features(trunk, TOKENS).shape[:-1], 2))
    for _ in range(2):
        loss = model.train_on_batch(inputs(trunk, TOKENS), goal)
    assert np.isfinite(loss)
    for old, weight in zip(before, trunk.trainable_weights, strict=True):
        assert not np.array_equal(old, ops.convert_to_numpy(weight)), weight.path


def test_saves_and_loads(name, tmp_path):
    trunk, architecture = drawn(name), shrunk(name, **SMALL)
    architecture.fit(trunk, [row[row > 0] for row in TOKENS[:2]])
    trunk.save(tmp_path / "trunk.keras")
    loaded = keras.saving.load_model(tmp_path / "trunk.keras")
    np.testing.assert_allclose(features(loaded, TOKENS), features(trunk, TOKENS), rtol=1e-6, atol=1e-6)


def test_fields_survive_json(name):
    architecture = shrunk(name, **SMALL)
    written = json.dumps(dataclasses.asdict(architecture))
    assert type(architecture)(**json.loads(written)) == architecture


def test_half_precision_keeps_float32_weights(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        trunk = drawn(name)
        assert trunk.output.dtype == "bfloat16"
        assert {weight.dtype for weight in trunk.trainable_weights} == {"float32"}
        assert np.isfinite(features(trunk, TOKENS)).all()
    finally:
        keras.config.set_dtype_policy(before)


def test_the_same_text_has_the_same_features(name):
    trunk = drawn(name)
    np.testing.assert_array_equal(features(trunk, TOKENS), features(trunk, TOKENS))
