"""Properties of every architecture of the catalog; a new architecture needs no test code here."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_or_few, shrink

from zoo import catalog

SMALL = {"vocabulary": 40, "width": 8, "depth": 2, "hidden": 12, "filters": 5, "units": 6, "buckets": 31}
TOKENS = np.array([[5, 6, 37, 5, 9, 37, 2, 3], [4, 22, 4, 0, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0]], "int32")
LENGTHS = {1: 3, 2: 1}  # row of TOKENS: its length; few, since JAX compiles every operation for each shape
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}

pytestmark = pytest.mark.parametrize("name", all_or_few(catalog.names("architectures")))


def build_backbone(name):
    keras.utils.set_random_seed(3)
    return shrink(name, **SMALL).backbone()


def features(backbone, tokens):
    return outputs(backbone, inputs(backbone, tokens))


def outputs(backbone, batch):
    return ops.convert_to_numpy(ops.cast(backbone(batch, training=False), "float32"))


def inputs(backbone, tokens):
    """A batch with the same tokens for every input, all in the first segment where there are segments."""
    return {tensor.name: np.zeros_like(tokens) if tensor.name == "segments" else tokens for tensor in backbone.inputs}


def test_a_feature_for_each_token_or_one_for_each_text(name):
    backbone, architecture = build_backbone(name), shrink(name, **SMALL)
    actual = features(backbone, TOKENS)
    assert actual.ndim == (2 if architecture.pooling is None else 3)
    assert actual.shape[: actual.ndim - 1] == TOKENS.shape[: actual.ndim - 1]
    assert np.isfinite(actual).all()
    assert backbone.output.shape == (None,) * (actual.ndim - 1) + actual.shape[-1:]


def test_padding_changes_nothing(name):
    backbone = build_backbone(name)
    batched = features(backbone, TOKENS)
    for row, length in LENGTHS.items():
        alone = features(backbone, TOKENS[row : row + 1, :length])[0]
        padded = batched[row] if alone.ndim == 1 else batched[row, :length]
        np.testing.assert_allclose(padded, alone, **TOLERANCE)


def test_causal_architectures_ignore_later_tokens(name):
    backbone, architecture = build_backbone(name), shrink(name, **SMALL)
    if architecture.pooling is None:
        return
    changed = inputs(backbone, TOKENS)
    changed["target" if "target" in changed else "tokens"] = np.where((TOKENS > 0) & (np.arange(8) > 4), 1, TOKENS)
    same = np.isclose(outputs(backbone, changed), features(backbone, TOKENS), **TOLERANCE).all(-1)
    assert same[0, :5].all() == architecture.causal
    assert same[1:].all()


def test_texts_without_tokens(name):
    assert np.isfinite(features(build_backbone(name), np.zeros_like(TOKENS))).all()


def test_every_weight_learns(name):
    backbone, architecture = build_backbone(name), shrink(name, **SMALL)
    architecture.adapt(backbone, [row[row > 0] for row in TOKENS])
    before = [ops.convert_to_numpy(weight).copy() for weight in backbone.trainable_weights]
    model = keras.Model(backbone.inputs, keras.layers.Dense(2)(backbone.output))
    model.compile(keras.optimizers.SGD(0.1), "mse")  # the update that compiles quickest
    random = np.random.default_rng(0)
    targets = random.normal(size=(*features(backbone, TOKENS).shape[:-1], 2))
    for _ in range(2):
        loss = model.train_on_batch(inputs(backbone, TOKENS), targets)
    assert np.isfinite(loss)
    for old, weight in zip(before, backbone.trainable_weights, strict=True):
        assert not np.array_equal(old, ops.convert_to_numpy(weight)), weight.path


def test_saves_and_loads(name, tmp_path):
    backbone, architecture = build_backbone(name), shrink(name, **SMALL)
    architecture.adapt(backbone, [row[row > 0] for row in TOKENS[:2]])
    backbone.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    np.testing.assert_allclose(features(loaded, TOKENS), features(backbone, TOKENS), rtol=1e-6, atol=1e-6)


def test_fields_survive_json(name):
    architecture = shrink(name, **SMALL)
    text = json.dumps({f.name: getattr(architecture, f.name) for f in dataclasses.fields(architecture) if f.init})
    assert type(architecture)(**json.loads(text)) == architecture


def test_half_precision_keeps_float32_weights(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        backbone = build_backbone(name)
        assert backbone.output.dtype == "bfloat16"
        assert {weight.dtype for weight in backbone.trainable_weights} == {"float32"}
        assert np.isfinite(features(backbone, TOKENS)).all()
    finally:
        keras.config.set_dtype_policy(before)


def test_inference_is_deterministic(name):
    backbone = build_backbone(name)
    np.testing.assert_array_equal(features(backbone, TOKENS), features(backbone, TOKENS))
