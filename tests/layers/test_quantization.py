"""Weight-only quantisation: small errors, in generation too, and no saving of quantised weights."""

import numpy as np
import pytest
from causal_models import PADDING, generate_ids, greedy_decode, logits, network, sources, texts
from keras import ops

import zoo
from zoo.layers.quantization import QuantizedMatrix, quantize_weights


@pytest.mark.parametrize(("weight_type", "error"), [("bfloat16", 2**-8), ("int8", 1 / 127)])
@pytest.mark.parametrize("rows", [1, 40])
def test_a_product(weight_type, error, rows):
    random = np.random.default_rng(0)
    x, matrix = random.normal(size=(rows, 3, 64)).astype("float32"), random.normal(size=(48, 64)).astype("float32")
    quantized = QuantizedMatrix(matrix, weight_type)
    actual = ops.convert_to_numpy(quantized.matmul(ops.convert_to_tensor(x)))
    bound = 1.5 * error * np.abs(x) @ np.abs(matrix).max(axis=1, keepdims=True).repeat(64, axis=1).T
    assert (np.abs(actual - x @ matrix.T) < bound).all()
    vectors = ops.convert_to_numpy(quantized.take(np.array([[5, 0]])))
    np.testing.assert_allclose(vectors, matrix[[[5, 0]]], atol=error * np.abs(matrix).max())


@pytest.mark.parametrize("name", ["gpt2", "llama", "transformer", "lstm"])
def test_a_quantized_network_generates(name):
    model, prompts = network(name, width=32, hidden=64), texts([6, 2])
    source_ids = sources(model, 2)
    exact = logits(model, prompts[0], source_ids and source_ids[0])
    sizes = sum(int(np.prod(weight.shape)) for weight in model.weights)
    quantize_weights(model, "int8")
    assert np.abs(logits(model, prompts[0], source_ids and source_ids[0]) - exact).max() < 0.1 * np.abs(exact).max()
    quantized = [weight for weight in model.weights if weight.dtype == "int8"]
    assert sum(int(np.prod(weight.shape)) for weight in quantized) > (0.2 if name == "lstm" else 0.75) * sizes
    actual = generate_ids(model, prompts, source_ids, max_new_tokens=4, bad_words=PADDING)
    assert actual == [greedy_decode(model, prompt, 4, source_ids and source_ids[i]) for i, prompt in enumerate(prompts)]


def test_a_quantized_pipeline_predicts_and_is_not_saved(model_folder, tmp_path):
    pipeline = zoo.load(model_folder, quantize="int8")
    assert pipeline.predict("a great lovely film")["label"] == "good"
    for method in (pipeline.export, pipeline.save):
        with pytest.raises(ValueError, match="Expected weights as they were trained, .* quantize=int8"):
            method(tmp_path / "1")
    with pytest.raises(ValueError, match="Unknown quantize. Received: 'float16'. Did you mean 'bfloat16'"):
        zoo.load(model_folder, quantize="float16")
