"""Which layers are in which block, and networks split into a frozen part and the others."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tiny import all_on_torch, compatible, shrink

from zoo import catalog
from zoo.objectives import build_model
from zoo.objectives.classify_text import ClassifyText
from zoo.transforms.frozen import block_of_layer, freeze_layers, split_frozen

IDS = np.array([[5, 6, 7, 8, 9, 2], [3, 4, 0, 0, 0, 0]], "int32")
DEEP = {"depth": 2}


def built(name):
    architecture = shrink(name, **DEEP)
    return architecture, build_model(ClassifyText(labels=("a", "b", "c")), architecture)


def inputs(model):
    return {name: IDS if name == "tokens" else IDS * 0 for name in model.input}


def outputs(model, batch, **options):
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(model(batch, **options)))


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_every_architecture_has_blocks_from_the_input_on(name):
    architecture = shrink(name, **DEEP)
    actual = block_of_layer(architecture)
    assert set(actual.values()) == set(range(max(actual.values()) + 1))
    sides = 2 if "source" in architecture.inputs() else 1  # an encoder and a decoder, each of this depth
    assert max(actual.values()) == getattr(architecture, "depth", 1) * sides
    assert actual.get("embedding", 0) == 0


def test_blocks_of_an_encoder_come_before_those_of_its_decoder():
    actual = block_of_layer(shrink("transformer", **DEEP))
    assert (actual["encoder1_attention"], actual["decoder0_attention"], actual["decoder1_feed_forward"]) == (2, 3, 4)


def test_layers_side_by_side_are_one_block_and_others_belong_to_the_block_that_they_read():
    actual = block_of_layer(shrink("lstm", bidirectional=True, **DEEP))
    assert actual["layer1_forwards"] == actual["layer1_backwards"] == actual["dropout1"] == 2
    assert block_of_layer(shrink("gpt2", **DEEP))["norm"] == 2
    assert block_of_layer(shrink("text_cnn"))["convolution5"] == block_of_layer(shrink("text_cnn"))["convolution3"] == 1


@pytest.mark.parametrize("name", all_on_torch(compatible(ClassifyText())))
def test_a_network_with_frozen_layers_has_the_same_outputs(name):
    architecture, model = built(name)
    frozen = {layer for layer, number in block_of_layer(architecture).items() if number <= 1}
    batch = inputs(model)
    np.testing.assert_allclose(outputs(freeze_layers(model, frozen), batch), outputs(model, batch), atol=1e-5)


def test_frozen_layers_have_no_dropout_while_training():
    architecture = shrink("bert", dropout=0.5, **DEEP)
    model = build_model(ClassifyText(labels=("a", "b"), dropout=0.0), architecture)
    batch, actual = inputs(model), block_of_layer(architecture)
    expected = outputs(model, batch)
    assert not np.allclose(outputs(model, batch, training=True), expected)
    np.testing.assert_allclose(outputs(freeze_layers(model, set(actual)), batch, training=True), expected, atol=1e-5)
    half = freeze_layers(model, {name for name, block in actual.items() if block < 2})
    assert not np.allclose(outputs(half, batch, training=True), expected)


def test_the_frozen_part_is_as_large_as_can_be():
    """Above a frozen backbone with a pooling without weights, a text is one vector."""
    architecture, model = built("bert")
    lower, upper = split_frozen(model, set(block_of_layer(architecture)))
    assert [x.shape for x in lower.output.values()] == [(None, 16)]
    assert {layer.name for layer in upper.layers if layer.weights} == {"logits"}


def test_blocks_that_read_each_other_are_refused():
    interleaved = SimpleNamespace(backbone=shrink("gpt2", **DEEP).backbone, blocks=r"block(?=\d_attention)|block\d_f")
    with pytest.raises(ValueError, match="Expected blocks that do not read each other. Received: block, block0_f, "):
        block_of_layer(interleaved)
