"""Resized vocabularies: embeddings of new tokens, and continued pretraining before fine-tuning."""

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer
from small_classifier import write_rows
from tiny import all_or_few

import zoo
from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.words import Words


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of labelled texts whose labels depend on new words."""
    return write_rows(tmp_path_factory.mktemp("rows"), "esim", "voip")


def preset(data, objective, rate=0.05):
    return zoo.Preset(
        architecture=BERT(),
        objective=objective,
        tokenizer=Words(),
        data=zoo.Data(spec=str(data)),
        training=zoo.Training(epochs=3, batch_size=8, learning_rate=rate),
    )


def embeddings(pipeline):
    return ops.convert_to_numpy(pipeline.model.get_layer("embedding").embeddings.value)


@pytest.mark.parametrize("size", all_or_few((40, 38), (38,)))  # of the tokenizer: the network has 40 embeddings
def test_new_embeddings_are_the_mean_of_the_old(data, tmp_path, size):
    folder = Golden("bert").write(tmp_path / "bert")
    write_tokenizer(folder, size)
    added = ["tokenizer.added_tokens=esim,voip"]
    pipeline = zoo.train(preset(data, MaskedToken(length=8), 0.0), to=tmp_path / "m", init=str(folder), overrides=added)
    old = Golden("bert").part("tensor")["bert.embeddings.word_embeddings.weight"]
    actual = embeddings(pipeline)
    assert len(actual) == pipeline.tokenizer.vocabulary_size == pipeline.preset.architecture.vocabulary == size + 2
    np.testing.assert_array_equal(actual[:size], old[:size])
    np.testing.assert_allclose(actual[size:], np.stack([old[:size].mean(0)] * 2), atol=1e-6)
    assert pipeline.model.get_layer("head_bias").bias.shape == (size + 2,)


def test_continued_pretraining_then_labels(data, tmp_path):
    folder = Golden("bert").write(tmp_path / "bert")
    write_tokenizer(folder)
    first = zoo.train(
        preset(data, MaskedToken(length=8)),
        to=tmp_path / "first",
        init=str(folder),
        overrides=["tokenizer.added_tokens=esim,voip"],
    )
    assert np.abs(embeddings(first)[40] - embeddings(first)[41]).max() > 1e-3  # equal at the start
    labels = preset(data, ClassifyText(length=8, pooling="mean"), 0.0)
    second = zoo.train(labels, to=tmp_path / "second", init=tmp_path / "first", overrides=["training.epochs=1"])
    assert second.tokenizer.vocabulary_size == first.tokenizer.vocabulary_size == 42
    np.testing.assert_array_equal(embeddings(second), embeddings(first))
    assert set(second.predict("w9 esim")["probabilities"]) == {"good", "bad"}


def test_an_untied_output_layer_is_resized_too(data, tmp_path):
    """A causal network with an output layer that is not tied to its embeddings."""
    folder = Golden("llama").write(tmp_path / "llama")
    write_tokenizer(folder)
    task = preset(data, NextToken(length=8), 0.0)
    pipeline = zoo.train(task, to=tmp_path / "m", init=str(folder), overrides=["tokenizer.added_tokens=esim"])
    kernel = ops.convert_to_numpy(pipeline.model.get_layer("logits").kernel.value)
    np.testing.assert_allclose(kernel[:, 40], kernel[:, :40].mean(1), atol=1e-6)


def test_not_with_lora(data, tmp_path):
    folder = Golden("bert").write(tmp_path / "bert")
    write_tokenizer(folder)
    with pytest.raises(ValueError, match=r"lora.rank freezes the embeddings of tokenizer.added_tokens"):
        zoo.train(
            preset(data, MaskedToken(length=8)),
            to=tmp_path / "m",
            init=str(folder),
            overrides=["tokenizer.added_tokens=esim", "lora.rank=2"],
        )
