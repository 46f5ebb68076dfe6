"""Precision of exported weights: float16 and int8 with a scale for each channel, their size, score and refusals."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from tiny_networks import tiny_model

import zoo
from zoo.export.export_options import FLOAT16, FLOAT32, INT8, PRECISIONS
from zoo.export.graph_weights import store_weights
from zoo.export.precision import check_precision, is_stored, rounded_weights, stored_matrices, weight_bytes
from zoo.export.precision_report import print_precision
from zoo.export.signatures import network_function
from zoo.presets import Data

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow exports: tested on that backend", allow_module_level=True)

import tensorflow as tf

IDS = np.array([[3, 7, 9, 11, 2, 0]], "int32")


@pytest.fixture(scope="module")
def network():
    return tiny_model("gpt2")


@pytest.mark.parametrize(("precision", "most"), [(FLOAT16, 2**-11), (INT8, 1 / 254)])
def test_rounding_errors_are_within_half_a_step(network, precision, most):
    for variable, matrix in stored_matrices(network, precision):
        exact, actual = variable.numpy(), matrix.dequantize()
        channels = tuple(range(1, exact.ndim)) if "embeddings" in variable.path else tuple(range(exact.ndim - 1))
        magnitude = np.abs(exact).max(axis=None if precision == FLOAT16 else channels, keepdims=True)
        assert matrix.values.dtype == precision
        assert (np.abs(exact - actual) <= most * magnitude * 1.001).all(), variable.path


def test_a_channel_of_zeros_stays_zero(network):
    variable = next(variable for variable in network.variables if is_stored(variable))
    exact = variable.numpy()
    variable.assign(np.where(np.arange(exact.shape[-1]) == 1, 0, np.where(np.arange(len(exact)) == 0, 0, exact.T).T))
    (matrix,) = (matrix for other, matrix in stored_matrices(network, INT8) if other is variable)
    assert np.isfinite(matrix.dequantize()).all()
    assert not matrix.dequantize()[0].any()
    variable.assign(exact)


def test_what_float16_cannot_hold_stays(network):
    variable = next(variable for variable in network.variables if is_stored(variable))
    exact = variable.numpy()
    variable.assign(exact + 70_000)
    assert not any(other is variable for other, _ in stored_matrices(network, FLOAT16))
    variable.assign(exact)


def test_sizes(network):
    sizes = [weight_bytes(network, precision) for precision in PRECISIONS]
    assert sizes[0] == 4 * network.count_params()
    assert sizes[0] > sizes[1] > sizes[2]
    vectors = sum(np.prod(variable.shape) for variable in network.weights if not is_stored(variable))
    assert sizes[1] == 2 * (network.count_params() - vectors) + 4 * vectors


def test_rounded_weights_are_restored(network):
    before = [variable.numpy() for variable in network.variables]
    with rounded_weights(network, INT8):
        assert any((variable.numpy() != old).any() for variable, old in zip(network.variables, before, strict=True))
    assert all((variable.numpy() == old).all() for variable, old in zip(network.variables, before, strict=True))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("architecture", ["gpt2", "lstm", "text_cnn"])
def test_the_graph_computes_with_rounded_weights(architecture, precision):
    model, module = tiny_model(architecture), tf.Module()
    function = network_function(model, store_weights(module, model, precision))
    (actual,) = function(tf.constant(IDS)).values()
    with rounded_weights(model, precision):
        expected = model({"tokens": IDS}, training=False)
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    operations = {operation.type for operation in function.get_concrete_function().graph.get_operations()}
    assert not [name for name in operations if "Xla" in name or "Quant" in name]


@pytest.mark.parametrize("precision", [FLOAT16, INT8])
def test_a_saved_model_is_smaller_and_answers_as_rounded(precision, model_folder, tmp_path, serve, capsys):
    pipeline = zoo.load(model_folder)
    texts = ["great film", "an awful story"]
    actual, operations = serve(pipeline.export(tmp_path / "1", precision=precision), text=texts)
    with rounded_weights(pipeline.model, precision):
        expected = pipeline.predict(texts)
    for answer, probabilities in zip(expected, actual["probabilities"], strict=True):
        np.testing.assert_allclose(probabilities, list(answer["probabilities"].values()), atol=1e-5)
    assert not [name for name in operations if "Xla" in name]
    dtypes = {str(value.dtype) for _, value in variables(tmp_path / "1")}
    assert precision in dtypes
    printed = capsys.readouterr().err
    assert f"Weights in {precision}: " in printed
    assert " records of test: " in printed
    assert f"in float32 {zoo.load(model_folder).scores['test']['accuracy']:.4f}" in printed


def variables(folder):
    """(name, array) of the variables of a SavedModel."""
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return [(name, reader.get_tensor(name)) for name in names]


def test_without_data_the_difference_of_outputs_is_printed(model_folder, capsys):
    pipeline = zoo.load(model_folder)
    pipeline = replace(pipeline, preset=replace(pipeline.preset, data=Data(spec="gone.tsv")))
    print_precision(pipeline, INT8)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("The test split cannot be scored: ")
    assert lines[-1].startswith("Largest difference of an output on example texts: ")


def test_no_effect_is_refused(model_folder, tmp_path):
    with pytest.raises(zoo.UserError, match="Unknown precision. Received: 'int4'. Did you mean 'int8'?"):
        zoo.load(model_folder).export(tmp_path / "1", precision="int4")
    inputs = keras.Input([4])
    small = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(zoo.UserError, match="Received: precision=int8, which has no effect."):
        check_precision(small, INT8)
    check_precision(small, FLOAT32)
    with pytest.raises(zoo.UserError, match="for transformers, which rounds weights when it loads them"):
        zoo.load(model_folder).export(tmp_path / "1", "huggingface", precision=FLOAT16)
    assert not list(tmp_path.iterdir())
