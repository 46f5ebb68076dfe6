"""Attention of recurrent decoders, and input feeding, against the papers' equations in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.recurrent.attention_decoder import AttentionDecoder
from zoo.layers.recurrent.decoder_attention import DecoderAttention

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 4, 5)).astype("float32")
SOURCE = RANDOM.normal(size=(2, 6, 6)).astype("float32")
PADDING_MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]], bool)
QUERY = RANDOM.normal(size=(2, 4, 6)).astype("float32")
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def weights(layer):
    """{path below the layer: array}, set to random numbers large enough for every part to matter."""
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return {weight.path.split("/", 1)[1]: numpy(weight) for weight in layer.weights}


def context_vector(w, score, query, source):
    """The context vector, (width,), of one query, (units,), for the tokens of one source, (time, width)."""
    if score == "additive":
        scores = np.tanh(query @ w["query/kernel"] + source @ w["key/kernel"]) @ w["energy/kernel"][:, 0]
    elif score == "general":
        scores = source @ w["key/kernel"] @ query
    else:
        scores = source @ query
    exps = np.exp(scores - scores.max())
    return exps / exps.sum() @ source


@pytest.mark.parametrize("score", ["additive", "general", "dot"])
def test_equals_the_papers_equations(score):
    layer = DecoderAttention(7, score)
    layer.build(QUERY.shape, SOURCE.shape)
    w = weights(layer)
    actual = numpy(layer(QUERY, SOURCE, PADDING_MASK))
    for row, padding_mask in enumerate(PADDING_MASK):
        expected = [context_vector(w, score, query, SOURCE[row][padding_mask]) for query in QUERY[row]]
        np.testing.assert_allclose(actual[row], expected, **CLOSE)


def test_a_source_without_tokens_is_finite():
    assert np.isfinite(numpy(DecoderAttention(7)(QUERY, SOURCE, np.zeros_like(PADDING_MASK)))).all()


def test_dot_needs_one_width():
    with pytest.raises(ValueError, match="as wide as the source's vectors. Received: 6 and 3"):
        DecoderAttention(7, "dot")(QUERY, SOURCE[..., :3])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"score": "adittive"}, "Unknown score. Received: 'adittive'. Did you mean 'additive'"),
        ({"input_feeding": "contxt"}, "Unknown input_feeding. Received: 'contxt'. Did you mean 'context'"),
        ({"cell": "gruu"}, "Unknown cell. Received: 'gruu'. Did you mean 'gru'"),
    ],
)
def test_unknown_options_name_the_nearest(settings, reason):
    with pytest.raises(ValueError, match=reason):
        AttentionDecoder(6, **settings)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(w, cell, p, h, c):
    """One step of a cell from the input projection `p`: Cho 2014, or Hochreiter & Schmidhuber 1997."""
    u = w["recurrence/recurrent_kernel"]
    if cell == "lstm":
        i, f, g, o = np.split(p + h @ u + w["recurrence/bias"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    z, r, n = np.split(p + w["recurrence/bias"][0], 3)
    hz, hr, hn = np.split(h @ u + w["recurrence/bias"][1], 3)
    z = sigmoid(z + hz)
    return z * h + (1 - z) * np.tanh(n + sigmoid(r + hr) * hn), c


def by_hand(w, cell, score, input_feeding, x, source, h):
    """One text by Bahdanau 2015, section 3.1 ("context"), or Luong 2015, section 3.3 ("output"): its features."""
    attention = {path.removeprefix("attention/"): array for path, array in w.items() if path.startswith("attention/")}
    features, c = [], np.zeros(6)
    y = np.zeros(6)
    for row in x:
        feedback = context_vector(attention, score, h, source) if input_feeding == "context" else y
        h, c = step(w, cell, row @ w["recurrence/kernel"] + feedback @ w["input_kernel"], h, c)
        context = feedback if input_feeding == "context" else context_vector(attention, score, h, source)
        y = np.tanh(np.concatenate([h, context]) @ w["readout/kernel"] + w["readout/bias"])
        features.append(y)
    return np.array(features)


@pytest.mark.parametrize(
    ("cell", "score", "input_feeding"),
    [("gru", "additive", "context"), ("lstm", "general", "output"), ("lstm", "dot", "context")],
)
def test_input_feeding_equals_the_papers_equations(cell, score, input_feeding):
    layer = AttentionDecoder(6, cell, score, input_feeding)
    initial = RANDOM.normal(size=(2, 6)).astype("float32")
    state = [initial, np.zeros_like(initial)][: layer.recurrence.state_count]
    layer.build(X.shape, SOURCE.shape)
    w = weights(layer)
    actual = numpy(layer(X, SOURCE, PADDING_MASK, state)[0])
    for row, padding_mask in enumerate(PADDING_MASK):
        expected = by_hand(w, cell, score, input_feeding, X[row], SOURCE[row][padding_mask], initial[row])
        np.testing.assert_allclose(actual[row], expected, **CLOSE)


@pytest.mark.parametrize("input_feeding", ["context", "output"])
def test_a_decoder_continues_from_its_state(input_feeding):
    layer = AttentionDecoder(6, input_feeding=input_feeding)
    all_steps, last_state = layer(X, SOURCE, PADDING_MASK)
    first, state = layer(X[:, :3], SOURCE, PADDING_MASK)
    second, state = layer(X[:, 3:], SOURCE, PADDING_MASK, state)
    np.testing.assert_allclose(np.concatenate([numpy(first), numpy(second)], 1), numpy(all_steps), **CLOSE)
    for actual, expected in zip(state, last_state, strict=True):
        np.testing.assert_allclose(numpy(actual), numpy(expected), **CLOSE)


def test_half_precision():
    layer = AttentionDecoder(6, dtype="mixed_bfloat16")
    actual, state = layer(X, SOURCE, PADDING_MASK)
    assert keras.backend.standardize_dtype(actual.dtype) == "bfloat16"
    assert {keras.backend.standardize_dtype(array.dtype) for array in state} == {"float32"}
    full = AttentionDecoder(6)
    full.build(X.shape, SOURCE.shape)
    full.set_weights([numpy(weight) for weight in layer.weights])
    np.testing.assert_allclose(numpy(actual), numpy(full(X, SOURCE, PADDING_MASK)[0]), atol=0.05)
