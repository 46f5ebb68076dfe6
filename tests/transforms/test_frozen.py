"""Which layers are in which block, and networks cut into a frozen part and the rest."""

import keras
import numpy as np
import pytest
from tiny import all_or_few, serving, shrunk

from zoo import catalog
from zoo.objectives.classify_text import ClassifyText
from zoo.transforms.frozen import blocks, cut, still

IDS = np.array([[5, 6, 7, 8, 9, 2], [3, 4, 0, 0, 0, 0]], "int32")
DEEP = {"depth": 2}


def drawn(name):
    architecture = shrunk(name, **DEEP)
    return architecture, ClassifyText(labels=("a", "b", "c")).model(architecture)


def inputs(model):
    return {name: IDS if name == "tokens" else IDS * 0 for name in model.input}


def outputs(model, batch, **options):
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(model(batch, **options)))


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_every_architecture_has_blocks_from_the_input_on(name):
    found = blocks(shrunk(name, **DEEP))
    assert set(found.values()) == set(range(max(found.values()) + 1))
    assert max(found.values()) == {"text_cnn": 1, "rnn_seq2seq": 4}.get(name, 2 * (1 + ("encoder0" in str(found))))
    assert found.get("embedding", 0) == 0


def test_blocks_of_an_encoder_come_before_those_of_its_decoder():
    found = blocks(shrunk("transformer", **DEEP))
    assert (found["encoder1_attention"], found["decoder0_attention"], found["decoder1_feed_forward"]) == (2, 3, 4)


def test_what_stands_beside_each_other_is_one_block_and_what_has_no_number_belongs_to_what_it_reads():
    found = blocks(shrunk("lstm", bidirectional=True, **DEEP))
    assert found["layer1_forwards"] == found["layer1_backwards"] == found["dropout1"] == 2
    assert blocks(shrunk("gpt2", **DEEP))["norm"] == 2
    assert blocks(shrunk("text_cnn"))["convolution5"] == blocks(shrunk("text_cnn"))["convolution3"] == 1


@pytest.mark.parametrize("name", all_or_few(serving(ClassifyText())))
def test_a_twin_with_frozen_layers_answers_as_the_network_does(name):
    architecture, model = drawn(name)
    frozen = {layer for layer, own in blocks(architecture).items() if own <= 1}
    batch = inputs(model)
    np.testing.assert_allclose(outputs(still(model, frozen), batch), outputs(model, batch), atol=1e-5)


def test_nothing_is_left_out_of_frozen_layers_while_training():
    architecture = shrunk("bert", dropout=0.5, **DEEP)
    model = ClassifyText(labels=("a", "b"), dropout=0.0).model(architecture)
    batch, found = inputs(model), blocks(architecture)
    expected = outputs(model, batch)
    assert not np.allclose(outputs(model, batch, training=True), expected)
    np.testing.assert_allclose(outputs(still(model, set(found)), batch, training=True), expected, atol=1e-5)
    half = still(model, {name for name, block in found.items() if block < 2})
    assert not np.allclose(outputs(half, batch, training=True), expected)


def test_a_cut_is_as_late_as_can_be():
    """Above a frozen backbone with a pooling that learns nothing, a text is one vector."""
    architecture, model = drawn("bert")
    lower, upper = cut(model, set(blocks(architecture)))
    assert [x.shape for x in lower.output.values()] == [(None, 16)]
    assert {layer.name for layer in upper.layers if layer.weights} == {"logits"}
