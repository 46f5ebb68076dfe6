"""Golden tests: models with a reference's weights give its features and logits. See scripts/golden.py."""

import keras
import numpy as np
import pytest
from keras import ops
from references import NAMES, Golden
from tiny import all_or_few, one_of_each_family

import zoo
from zoo import catalog
from zoo.checkpoints.hf_config import read_architecture, read_head
from zoo.objectives import build_model

SAME_NAME = [name for name in NAMES if name in catalog.names("architectures")]  # references without variants


@pytest.fixture(scope="module", params=all_or_few(NAMES, one_of_each_family(SAME_NAME)))
def golden(request):
    return Golden(request.param)


def outputs(model, golden):
    inputs = golden.part("input")
    if "mask_positions" in model.input:  # of a masked language model
        inputs["mask_positions"] = np.tile(
            np.arange(inputs["tokens"].shape[1], dtype="int32"), (len(inputs["tokens"]), 1)
        )
    return ops.convert_to_numpy(model(inputs, training=False))


def assert_close(actual, expected, tolerance):
    """Compare to a tolerance relative to the largest number: processors round sums in different ways."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * max(1, abs(expected).max()))


def test_features_are_the_references(golden, tmp_path):
    backbone = read_architecture(golden.config).backbone()
    loaded = zoo.load_weights(backbone, golden.write(tmp_path))
    assert loaded.new == ()
    padding_mask = golden["visible"]
    assert_close(outputs(backbone, golden)[padding_mask], golden["features"][padding_mask], 1e-5)


def test_logits_are_the_references(golden, tmp_path):
    architecture, head = read_architecture(golden.config), read_head(golden.config)
    label_field = {"classify_text": "labels", "tag_tokens": "tags"}.get(head.objective)
    settings = head.settings | ({label_field: tuple(golden.config["id2label"].values())} if label_field else {})
    model = build_model(catalog.load("objectives", head.objective)(**settings), architecture)
    for weight in model.weights:
        missing = weight.path == "logits/bias" and "logits/kernel" in head.layers  # none in the reference
        weight.assign(keras.random.normal(weight.shape) * (not missing))  # shows weights that are not loaded
    zoo.load_weights(model, golden.write(tmp_path))
    expected, actual = golden["logits"], outputs(model, golden)
    padding_mask = golden["visible"] if actual.ndim == 3 else slice(None)
    assert_close(actual[padding_mask], expected[padding_mask], 2e-5)
