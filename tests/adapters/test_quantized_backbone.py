"""Frozen weights in int8: training on them, exact weights after merging, memory."""

import gc
import weakref
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops
from kill import KilledError, kill_after
from safetensors.numpy import load_file
from small_classifier import preset, probabilities
from tiny import all_or_few, shrink

import zoo
from zoo.adapters.merging import Backbone
from zoo.adapters.training import LoRATraining
from zoo.layers.dense import Dense
from zoo.layers.quantization import QuantizedMatrix, quantize_weights
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.training.finetuning import BlockFreezer

QUANTIZED = zoo.Tuning(quantize="int8")


def values(model):
    return {weight.path: ops.convert_to_numpy(weight.value) for weight in model.weights}


@pytest.mark.parametrize(("precision", "error"), [("int8", 2**-6), ("bfloat16", 2**-6)])
def test_gradients_pass_through_quantized_kernels(precision, error):
    """A step changes the layer below a quantised kernel as it does below the dequantised kernel."""
    rng, changes = np.random.default_rng(0), []
    kernel = rng.normal(size=(16, 8)).astype("float32")
    x, y = rng.normal(size=(12, 6)).astype("float32"), rng.normal(size=(12, 8)).astype("float32")
    dequantized = ops.convert_to_numpy(QuantizedMatrix(kernel.T, precision).take(np.arange(8))).T
    for quantized in (True, False):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), Dense(16, name="below"), Dense(8, use_bias=False, name="above")])
        model.layers[1].kernel.assign(kernel if quantized else dequantized)
        model.layers[1].trainable = False
        if quantized:
            quantize_weights(model, precision, frozen=True)
        before = ops.convert_to_numpy(model.layers[0].kernel.value).copy()
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.train_on_batch(x, y)
        changes.append(ops.convert_to_numpy(model.layers[0].kernel.value) - before)
    assert np.abs(changes[0] - changes[1]).max() < error * np.abs(changes[1]).max()


@pytest.mark.parametrize("name", all_or_few(["bert", "llama", "lstm"], ["bert"]))
def test_exact_kernels_are_freed_and_updates_learn(name):
    keras.utils.set_random_seed(0)
    objective = ClassifyText(labels=("a", "b"), length=8)
    architecture = shrink(name, dropout=0.0, embedding_dropout=0.0)
    model = build_model(objective, architecture)
    new = [weight.path for weight in model.layers[-1].weights]
    lora = LoRATraining(model, architecture, zoo.LoRA(rank=2, targets="kernel"), new)
    freezer = BlockFreezer(QUANTIZED, architecture, lora.model)
    exact, large = (
        freezer.summary(),
        [weakref.ref(w) for w in model.weights if w.path.endswith(("embedding/embeddings", "query/kernel"))],
    )
    del model
    freezer.quantize()
    gc.collect()
    assert large
    assert not any(reference() for reference in large)
    assert freezer.summary().split("MB")[0] != exact.split("MB")[0]
    model = compile_model(objective, lora.model, keras.optimizers.SGD(0.1))
    rows = {
        key: np.array([[5, 6, 7], [8, 9, 4], [9, 8, 3]], "int32") % (2 if key == "segments" else 99)
        for key in model.input
    }
    losses = [model.train_on_batch(rows, np.eye(2)[[0, 1, 1]], return_dict=True)["loss"] for _ in range(20)]
    assert losses[-1] < losses[0]
    for weight in lora.updates.weights().values():
        assert ops.convert_to_numpy(weight.value).any(), weight.path


def test_an_adapter_trained_on_int8_is_merged_into_exact_weights(bert, rows, tmp_path, capsys):
    pipeline = zoo.train(replace(preset(rows), tuning=QUANTIZED), to=tmp_path / "one", init=str(bert))
    assert probabilities(zoo.load(tmp_path / "one")) == pytest.approx(probabilities(pipeline), rel=1e-5)
    assert probabilities(zoo.merge(bert, tmp_path / "one")) == pytest.approx(probabilities(pipeline), rel=1e-5)
    before, after = values(Backbone(bert).model), values(pipeline.model)
    for path in before:
        assert (before[path] != after[path]).any() == (path.endswith("kernel") and "attention/" in path), path
    assert "frozen, 0.0 MB in all" in " ".join(capsys.readouterr().err.split())


def test_a_head_on_int8(bert, rows, tmp_path):
    learner = replace(preset(rows, rank=0), tuning=replace(QUANTIZED, freeze="backbone"))
    pipeline = zoo.train(learner, to=tmp_path / "one", init=str(bert))
    before, after = values(Backbone(bert).model), values(pipeline.model)
    assert {path for path in after if path not in before} == {"logits/kernel", "logits/bias"}
    for path in before:
        np.testing.assert_array_equal(before[path], after[path], path)


def test_a_killed_run_resumes_to_the_same_adapter(bert, rows, tmp_path, monkeypatch):
    learner = replace(preset(rows), tuning=QUANTIZED)
    zoo.train(learner, to=tmp_path / "full", init=str(bert))
    kill_after(monkeypatch, 1)
    with pytest.raises(KilledError):
        zoo.train(learner, to=tmp_path / "cut", init=str(bert))
    monkeypatch.undo()
    zoo.train(learner, to=tmp_path / "cut", init=str(bert), resume=True)
    expected, actual = (load_file(tmp_path / name / "adapter.safetensors") for name in ("full", "cut"))
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["lora.rank=0"],
            "give lora.rank or tuning.freeze. Received: tuning.quantize=int8 where all weights are trainable",
        ),
        (["tuning.quantize=int4"], "Unknown tuning.quantize. Received: 'int4'. Did you mean 'int8'"),
    ],
)
def test_mistakes(bert, rows, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        zoo.train(replace(preset(rows), tuning=QUANTIZED), to=tmp_path / "m", init=str(bert), overrides=settings)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
