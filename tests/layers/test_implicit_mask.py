"""Keras's implicit masks and `keras.layers.Bidirectional`: layers of the zoo in the place of Keras's own."""

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_layers import CELLS, CLOSE, X, layer, numpy

from zoo import layers
from zoo.runtime.errors import UserError

KERAS = {"RNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}
MASK = np.array([[1, 1, 1, 0, 1, 0, 0], [0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1]], bool)  # padding in any place
TOKENS = np.array([[3, 5, 2, 0, 4, 0, 0], [0, 0, 6, 1, 2, 2, 5], [1, 2, 3, 4, 5, 6, 7]])
OPTIONS = [
    {},
    {"return_sequences": False},
    {"go_backwards": True},
    {"return_sequences": False, "go_backwards": True},
    {"return_sequences": False, "return_state": True},
    {"return_sequences": False, "return_state": True, "go_backwards": True},
]


def layer_of_keras(rnn, **options):
    """Keras's own layer with the weights of `rnn`."""
    reference = KERAS[type(rnn).__name__](rnn.units, **{"return_sequences": True} | options)
    reference.build(X.shape)
    reference.set_weights([numpy(weight) for weight in rnn.weights])
    return reference


def assert_same(ours, theirs, mask=None):
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        a, b = numpy(a), numpy(b)
        if mask is not None and a.ndim == 3:
            a, b = a[mask], b[mask]
        np.testing.assert_allclose(a, b, **CLOSE)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_layers_equal_those_of_keras(cell, options):
    rnn = layer(cell, **options)
    assert_same(rnn(X), layer_of_keras(rnn, **options)(X))
    mask = np.flip(MASK, axis=1) if options.get("go_backwards") else MASK
    assert_same(rnn(X, mask=MASK), layer_of_keras(rnn, **options)(X, mask=ops.convert_to_tensor(MASK)), mask)


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
@pytest.mark.parametrize("options", [{}, {"return_sequences": False}, {"return_state": True}], ids=str)
def test_bidirectional_of_keras(options, merge_mode):
    both = keras.layers.Bidirectional(layers.LSTM(6, **options), merge_mode=merge_mode)
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(6, **{"return_sequences": True} | options), merge_mode=merge_mode
    )
    theirs(X), both(X)
    theirs.set_weights(both.get_weights())
    assert_same(both(X), theirs(X))
    mask = ops.convert_to_tensor(MASK)
    assert_same(both(X, mask=mask), theirs(X, mask=mask), MASK)


def test_bidirectional_of_keras_equals_two_layers_of_the_zoo():
    both = keras.layers.Bidirectional(layers.GRU(4))
    y = numpy(both(X))
    forward, backward = layers.GRU(4), layers.GRU(4, reverse=True)
    for rnn, inner in ((forward, both.forward_layer), (backward, both.backward_layer)):
        rnn.build(X.shape)
        rnn.set_weights(inner.get_weights())
    np.testing.assert_allclose(y, np.concatenate([numpy(forward(X)), numpy(backward(X))], -1), **CLOSE)


def test_bidirectional_in_a_model_is_saved(tmp_path):
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, 5, mask_zero=True)(tokens)
    x = keras.layers.Bidirectional(layers.LSTM(4, return_sequences=False))(x)
    model = keras.Model(tokens, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    model.fit(TOKENS, np.ones((3, 1)), verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(TOKENS, verbose=0), model.predict(TOKENS, verbose=0), **CLOSE)


def test_one_direction_only():
    with pytest.raises(UserError, match="reverse and go_backwards"):
        layers.LSTM(4, reverse=True, go_backwards=True)
    with pytest.raises(UserError, match="A state can only be passed forwards"):
        layers.GRU(4, go_backwards=True, return_state=True)(X, initial_state=[np.zeros((3, 4), "float32")])


CASES = {  # layers that mix tokens, each with the padding mask that it takes
    "attention": lambda x, mask: layers.MultiHeadAttention(2, name="a")(x, padding_mask=mask),
    "causal attention": lambda x, mask: layers.MultiHeadAttention(2, causal=True, name="a")(x, padding_mask=mask),
    "convolution": lambda x, mask: layers.MaskedConv1D(6, 3, padding="same", name="a")(x, mask),
    "mean": lambda x, mask: layers.Pooling("mean", name="a")(x, mask),
    "last": lambda x, mask: layers.Pooling("last", name="a")(x, mask),
    "weighted": lambda x, mask: layers.Pooling("attention", name="a")(x, mask),
    "decoder attention": lambda x, mask: layers.DecoderAttention(6, name="a")(x, x, mask),
    "decoder": lambda x, mask: layers.AttentionDecoder(6, name="a")(x, x, mask)[0],
}
WITHOUT = {  # the same calls without a mask
    "attention": lambda x: layers.MultiHeadAttention(2, name="a")(x),
    "causal attention": lambda x: layers.MultiHeadAttention(2, causal=True, name="a")(x),
    "convolution": lambda x: layers.MaskedConv1D(6, 3, padding="same", name="a")(x),
    "mean": lambda x: layers.Pooling("mean", name="a")(x),
    "last": lambda x: layers.Pooling("last", name="a")(x),
    "weighted": lambda x: layers.Pooling("attention", name="a")(x),
    "decoder attention": lambda x: layers.DecoderAttention(6, name="a")(x, x),
    "decoder": lambda x: layers.AttentionDecoder(6, name="a")(x, x)[0],
}


@pytest.mark.parametrize("case", CASES)
def test_an_implicit_mask_is_the_padding_mask(case):
    keras.utils.set_random_seed(0)
    tokens = keras.Input((7,), dtype="int32")
    embedding = keras.layers.Embedding(9, 6, mask_zero=True)
    plain = keras.layers.Embedding(9, 6)
    implicit = keras.Model(tokens, WITHOUT[case](embedding(tokens)))
    explicit = keras.Model(tokens, CASES[case](plain(tokens), layers.PaddingMask()(tokens)))
    unmasked = keras.Model(tokens, WITHOUT[case](plain(tokens)))
    explicit.set_weights(implicit.get_weights())
    unmasked.set_weights(implicit.get_weights())
    y = implicit.predict(TOKENS, verbose=0)
    np.testing.assert_allclose(y, explicit.predict(TOKENS, verbose=0), **CLOSE)
    assert np.abs(y - unmasked.predict(TOKENS, verbose=0)).max() > 1e-4


def test_convolution_zeroes_padding():
    convolution = layers.Conv1D(4, 3, padding="same")
    masked = layers.MaskedConv1D(4, 3, padding="same")
    vectors = keras.layers.Embedding(9, 6, mask_zero=True)(TOKENS)
    convolution(vectors), masked(vectors)
    masked.set_weights(convolution.get_weights())
    np.testing.assert_allclose(numpy(convolution(vectors)), numpy(masked(vectors)), **CLOSE)


def test_masks_are_passed_on(tmp_path):
    """Through a whole network, to a layer that reads them; without a warning, and after saving."""
    parts = [
        layers.TokenEmbedding(9, 6, mask_zero=True),
        layers.SinusoidalPositions(),
        layers.LearnedPositions(7),
        layers.Dropout(0.1),
        layers.MultiHeadAttention(2),
        layers.FeedForward(8),
        layers.Dense(6),
        layers.Bias(),
        layers.GRU(6),
        layers.Conv1D(6, 3, padding="same"),
        layers.Pooling("mean"),
    ]
    model = keras.Sequential([keras.Input((7,), dtype="int32"), *parts])
    y = model.predict(TOKENS[:1], verbose=0)
    np.testing.assert_allclose(model.predict(np.array([[3, 5, 2, 0, 4, 0, 0]]), verbose=0), y, **CLOSE)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(TOKENS, verbose=0), model.predict(TOKENS, verbose=0), **CLOSE)
    assert ops.convert_to_numpy(parts[-2](parts[0](TOKENS))).shape == (3, 7, 6)


def test_networks_of_the_zoo_have_no_implicit_masks():
    from tiny import shrink

    from zoo.backend.keras_private import implicit_mask

    backbone = shrink("lstm").backbone()
    assert all(
        implicit_mask(tensor) is None for layer in backbone.layers for tensor in keras.tree.flatten(layer.output)
    )
