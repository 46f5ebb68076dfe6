"""Networks with the reference's weights give the reference's features and logits: see scripts/golden.py."""

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

SAME_NAME = [name for name in NAMES if name in catalog.names("architectures")]  # an architecture's own network


@pytest.fixture(scope="module", params=all_or_few(NAMES, one_of_each_family(SAME_NAME)))
def golden(request):
    return Golden(request.param)


def outputs(model, golden):
    inputs = golden.part("input")
    if "mask_positions" in model.input:  # where a masked language model is asked
        inputs["mask_positions"] = np.tile(
            np.arange(inputs["tokens"].shape[1], dtype="int32"), (len(inputs["tokens"]), 1)
        )
    return ops.convert_to_numpy(model(inputs, training=False))


def near(actual, expected, share):
    """Each number to a share of the largest: processors round the sums that they come from each in their own way."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=share * max(1, abs(expected).max()))


def test_features_are_the_references(golden, tmp_path):
    backbone = read_architecture(golden.config).backbone()
    loaded = zoo.load_weights(backbone, golden.write(tmp_path))
    assert loaded.new == ()
    seen = golden["visible"]
    near(outputs(backbone, golden)[seen], golden["features"][seen], 1e-5)


def test_logits_are_the_references(golden, tmp_path):
    architecture, head = read_architecture(golden.config), read_head(golden.config)
    named = {"classify_text": "labels", "tag_tokens": "tags"}.get(head.objective)
    settings = head.settings | ({named: tuple(golden.config["id2label"].values())} if named else {})
    model = build_model(catalog.load("objectives", head.objective)(**settings), architecture)
    for weight in model.weights:
        lacking = weight.path == "logits/bias" and "logits/kernel" in head.layers  # which the reference does not have
        weight.assign(keras.random.normal(weight.shape) * (not lacking))  # whatever is not loaded is seen
    zoo.load_weights(model, golden.write(tmp_path))
    expected, actual = golden["logits"], outputs(model, golden)
    seen = golden["visible"] if actual.ndim == 3 else slice(None)
    near(actual[seen], expected[seen], 2e-5)
