"""Views of filters: the n-grams that the maxima of convolutions came from."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_pipelines import tiny_run

from zoo.explore.filters import filter_maxima
from zoo.explore.layer_traces import to_array
from zoo.explore.text_run import TextRun
from zoo.layers.word_features import WINDOW, WordEnds, WordIndex, WordMaxPooling


def pooled(run, name="features"):
    return next(to_array(call.outputs) for call in run.calls if call.layer.name == name)


def test_values_are_the_pooled_features():
    run = tiny_run("classify_text", "text_cnn")
    views = filter_maxima(run)
    assert [(view.name, view.width, view.sequence) for view in views] == [
        (f"convolution {width}", width, "tokens") for width in (3, 4, 5)
    ]
    np.testing.assert_array_equal(np.concatenate([view.value for view in views]), pooled(run))


def test_the_ngram_alone_gives_the_value():
    """By the kernel of the convolution, with zeros where the n-gram reaches over an end of the text."""
    run = tiny_run("classify_text", "text_cnn")
    embedding = next(to_array(call.outputs) for call in run.calls if call.layer.name == "embedding")
    for view in filter_maxima(run):
        layer = run.model.get_layer(view.name.replace(" ", ""))
        kernel, bias = ops.convert_to_numpy(layer.kernel), ops.convert_to_numpy(layer.bias)
        padded = np.pad(embedding, ((view.width, view.width), (0, 0)))
        ngrams = np.stack([padded[view.width + i : 2 * view.width + i] for i in view.start])
        values = np.maximum(np.einsum("fkm,kmf->f", ngrams, kernel) + bias, 0)
        np.testing.assert_allclose(view.value, values, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("settings", "width"), [({"depth": 2}, 7), ({"causal": True}, 3)])
def test_a_stack_of_convolutions_has_the_ngrams_of_its_receptive_field(settings, width):
    """No token outside the n-gram of a filter lowers its maximum."""
    run = tiny_run("classify_text", "conv", **settings)
    (view,) = filter_maxima(run)
    assert view.width == width
    np.testing.assert_array_equal(view.value, pooled(run, "pooling"))
    tokens, time = run.inputs["tokens"], run.inputs["tokens"].shape[1]
    for start in np.unique(view.start):
        is_outside = (np.arange(time) < start) | (np.arange(time) >= start + width)
        other = run.with_inputs(tokens=np.where(is_outside, tokens[:, ::-1], tokens))
        assert (pooled(other, "pooling") >= view.value - 1e-5)[view.start == start].all()


def test_a_character_cnn_has_the_ngrams_of_the_word_with_the_highest_maximum():
    run = tiny_run("tag_tokens", "lstm_cnn")
    (view,) = filter_maxima(run)
    np.testing.assert_array_equal(view.value, pooled(run, "word_characters").max(axis=0))
    characters = next(to_array(call.outputs) for call in run.calls if call.layer.name == "characters")
    center = view.start + view.width // 2
    np.testing.assert_array_equal(characters[center, np.arange(len(center))], view.value)


def test_a_word_is_pooled_over_its_last_characters():
    """The same bytes are 40 times the word: the first maximum among the last 32 characters of it counts."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    index = WordIndex(space=37)(tokens)
    x = keras.layers.Conv1D(4, 1, name="user")(keras.layers.Embedding(50, 8)(tokens))
    model = keras.Model({"tokens": tokens}, WordMaxPooling()(x, index, WordEnds()(index)))
    run = tiny_run("tag_tokens", "lstm_cnn")
    user = TextRun(run.pipeline, run.record, model, {"tokens": np.full((1, 40), 9, "int32")}, "")
    (view,) = filter_maxima(user)
    np.testing.assert_array_equal(view.start, 40 - WINDOW)


@pytest.mark.parametrize(("objective", "architecture"), [("tag_tokens", "lstm_cnn"), ("classify_text", "text_cnn")])
def test_padding_alone_has_no_ngrams(objective, architecture):
    run = tiny_run(objective, architecture)
    assert filter_maxima(run.with_inputs(tokens=np.zeros((1, 6), "int32"))) == []


@pytest.mark.parametrize("architecture", ["lstm", "transformer_encoder", "averaging"])
def test_networks_without_convolutions_have_no_filters(architecture):
    assert filter_maxima(tiny_run("classify_text", architecture)) == []


@pytest.mark.parametrize(
    ("padding", "strides", "start"), [("valid", 1, "first"), ("causal", 1, "last"), ("valid", 2, None)]
)
def test_convolutions_of_keras_in_a_user_network(padding, strides, start):
    run = tiny_run("classify_text", "text_cnn")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(50, 8)(tokens)
    x = keras.layers.Conv1D(5, 3, padding=padding, strides=strides, name="user")(x)
    model = keras.Model({"tokens": tokens}, keras.layers.GlobalMaxPooling1D(name="pooling")(x))
    user = TextRun(run.pipeline, run.record, model, {"tokens": run.inputs["tokens"]}, "")
    views = filter_maxima(user)
    if start is None:
        assert views == []
        return
    (view,) = views
    np.testing.assert_array_equal(view.value, pooled(user, "pooling"))
    argmax = next(to_array(call.outputs) for call in user.calls if call.layer.name == "user").argmax(axis=0)
    np.testing.assert_array_equal(view.start, argmax if start == "first" else argmax - 2)
