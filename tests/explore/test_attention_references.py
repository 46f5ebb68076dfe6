"""Attention weights of models with the weights of references are those of the references."""

import keras
import numpy as np
import pytest
from keras import ops
from references import Golden
from tiny import all_or_few

import zoo
from zoo.checkpoints.hf_config import read_architecture
from zoo.explore.layer_traces import trace_layer
from zoo.explore.text_run import capture_calls

REFERENCES = ("bert", "roberta", "distilbert", "gpt2", "llama", "t5", "bart")
REFERENCE_NAMES = {  # of zoo's names of layers, in the order of the search: names in the golden files
    "decoder{i}_source_attention": "cross_attentions",
    "decoder{i}_attention": "decoder_attentions",
    "encoder{i}_attention": "encoder_attentions",
    "block{i}_attention": "attentions",
}


@pytest.fixture(scope="module", params=all_or_few(REFERENCES, ("bert", "llama", "t5")))
def reference(request, tmp_path_factory):
    """A golden file, a backbone with its weights, and the traces of the layers by their names in the file."""
    golden = Golden(request.param)
    backbone = read_architecture(golden.config).backbone()
    zoo.load_weights(backbone, golden.write(tmp_path_factory.mktemp(request.param)))
    calls, _ = capture_calls(backbone, golden.part("input"))
    names = {pattern.format(i=i): f"{kind}/{i}" for pattern, kind in REFERENCE_NAMES.items() for i in range(2)}
    calls = {names[call.layer.name]: call for call in calls if call.layer.name in names}
    return golden, backbone, {name: trace_layer(call.layer, call.args, call.kwargs) for name, call in calls.items()}


def tokens_of(golden):
    """(batch, time) booleans: the tokens of the texts, or of an encoder-decoder of the sources, that are no padding."""
    inputs = golden.part("input")
    return inputs.get("source", inputs.get("tokens")) != golden.config["pad_token_id"]


def test_weights_are_the_references(reference):
    golden, _, traces = reference
    assert set(traces) == {name for name in golden.arrays if "attentions/" in name}
    for name, trace in traces.items():
        is_token = tokens_of(golden) if name.startswith("encoder") else golden["visible"]  # of the queries
        actual, expected = (
            x.transpose(0, 2, 1, 3)[is_token] for x in (ops.convert_to_numpy(trace.weight), golden[name])
        )
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_masked_padding_and_later_tokens_have_no_weight(reference):
    golden, _, traces = reference
    for trace in traces.values():
        weights = ops.convert_to_numpy(trace.weight)
        is_token = np.tri(weights.shape[2], dtype=bool) if trace.causal else tokens_of(golden)[:, None, None]
        is_token = np.broadcast_to(is_token, weights.shape)
        assert (weights[~is_token] == 0).all()
        assert (weights[is_token] > 0).all()


def test_captured_outputs_are_those_of_the_model_to_the_bit(reference):
    golden, backbone, _ = reference
    inputs = golden.part("input")
    _, captured = capture_calls(backbone, inputs)
    for x, y in zip(keras.tree.flatten(captured), keras.tree.flatten(backbone(inputs, training=False)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(x), ops.convert_to_numpy(y))
