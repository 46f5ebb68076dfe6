"""Weights in fewer bytes: near the exact ones, for every network that writes, and never saved by mistake."""

import numpy as np
import pytest
from keras import ops
from writers import PADDING, generated, greedy, logits, network, sources, texts

import zoo
from zoo.layers.quantization import QuantizedMatrix, quantize_weights


@pytest.mark.parametrize(("precision", "error"), [("bfloat16", 2**-8), ("int8", 1 / 127)])
@pytest.mark.parametrize("rows", [1, 40])
def test_a_product(precision, error, rows):
    random = np.random.default_rng(0)
    x, matrix = random.normal(size=(rows, 3, 64)).astype("float32"), random.normal(size=(48, 64)).astype("float32")
    quantized = QuantizedMatrix(matrix, precision)
    actual = ops.convert_to_numpy(quantized.matmul(ops.convert_to_tensor(x)))
    bound = 1.5 * error * np.abs(x) @ np.abs(matrix).max(axis=1, keepdims=True).repeat(64, axis=1).T
    assert (np.abs(actual - x @ matrix.T) < bound).all()
    taken = ops.convert_to_numpy(quantized.take(np.array([[5, 0]])))
    np.testing.assert_allclose(taken, matrix[[[5, 0]]], atol=error * np.abs(matrix).max())


@pytest.mark.parametrize("name", ["gpt2", "llama", "transformer", "lstm"])
def test_a_rounded_network_writes(name):
    model, prompts = network(name, width=32, hidden=64), texts([6, 2])
    read = sources(model, 2)
    exact = logits(model, prompts[0], read and read[0])
    sizes = sum(int(np.prod(weight.shape)) for weight in model.weights)
    quantize_weights(model, "int8")
    assert np.abs(logits(model, prompts[0], read and read[0]) - exact).max() < 0.1 * np.abs(exact).max()
    small = [weight for weight in model.weights if weight.dtype == "int8"]
    assert sum(int(np.prod(weight.shape)) for weight in small) > (0.2 if name == "lstm" else 0.75) * sizes
    actual = generated(model, prompts, read, max_new_tokens=4, bad_words=PADDING)
    assert actual == [greedy(model, prompt, 4, read and read[i]) for i, prompt in enumerate(prompts)]


def test_a_rounded_pipeline_answers_and_is_not_saved(model_folder, tmp_path):
    pipeline = zoo.load(model_folder, quantize="int8")
    assert pipeline.predict("a great lovely film")["label"] == "good"
    for act in (pipeline.export, pipeline.save):
        with pytest.raises(ValueError, match="Expected weights as they were trained, .* quantize=int8"):
            act(tmp_path / "1")
    with pytest.raises(ValueError, match="Unknown quantize. Received: 'float16'. Did you mean 'bfloat16'"):
        zoo.load(model_folder, quantize="float16")
