"""Traces: attention weights, states and gates that are recomputed beside a call are those of the call."""

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_layers import CELLS, PADDING_MASK, X, layer, numpy

from zoo import layers
from zoo.backend import value_and_gradients
from zoo.layers.attention import MultiHeadAttention, T5Attention
from zoo.layers.lora import attach

CLOSE = {"rtol": 0, "atol": 1e-5}
SOURCE = np.random.default_rng(2).normal(size=(3, 5, 10)).astype("float32")
TARGET = np.random.default_rng(3).normal(size=(3, 7, 16)).astype("float32")
SOURCE_MASK = np.arange(5)[None] < np.array([5, 3, 1])[:, None]
ATTENTION_MASK = np.random.default_rng(4).random((3, 7, 5)) < 0.5
ATTENTION_MASK[..., 0] = True
BIAS = np.random.default_rng(5).normal(size=(1, 4, 7, 5)).astype("float32")
ATTENTIONS = {
    "plain": (MultiHeadAttention(4), {}),
    "causal": (MultiHeadAttention(4, causal=True), {}),
    "causal with padding": (MultiHeadAttention(4, causal=True), {"padding_mask": PADDING_MASK}),
    "grouped and rotary": (MultiHeadAttention(4, kv_heads=2, rotary={}), {"padding_mask": PADDING_MASK}),
    "cross": (MultiHeadAttention(4), {"context": SOURCE, "padding_mask": SOURCE_MASK}),
    "mask of queries": (MultiHeadAttention(4), {"context": SOURCE, "padding_mask": ATTENTION_MASK, "bias": BIAS}),
    "t5": (T5Attention(4, head_width=6), {"context": SOURCE, "padding_mask": SOURCE_MASK, "bias": BIAS}),
}


def tensors(arguments):
    return {name: ops.convert_to_tensor(array) for name, array in arguments.items()}


def built(attention, arguments):
    attention(TARGET, **arguments)
    for weight in attention.weights:
        if "seed" not in weight.path:
            weight.assign(0.3 * np.random.default_rng(weight.shape[0]).normal(size=weight.shape))
    return attention


@pytest.fixture(scope="module", params=ATTENTIONS)
def attention_call(request):
    attention, arguments = ATTENTIONS[request.param]
    return built(attention, arguments), arguments


def output_by_weights(attention, weights, source):
    """The output of a layer of attention, from attention weights."""
    value = numpy(attention.value(source))
    value = value.reshape(*value.shape[:2], attention.kv_heads or attention.heads, -1).repeat(
        attention.heads // (attention.kv_heads or attention.heads), axis=2
    )
    y = np.einsum("bhts,bshd->bthd", weights, value)
    return numpy(attention.out(y.reshape(*y.shape[:2], -1)))


def test_attention_weights_give_the_output_which_stays_equal_to_the_bit(attention_call):
    attention, arguments = attention_call
    before = numpy(attention(TARGET, **arguments))
    trace = attention.trace(ops.convert_to_tensor(TARGET), **tensors(arguments))
    np.testing.assert_array_equal(numpy(attention(TARGET, **arguments)), before)
    np.testing.assert_allclose(numpy(trace.weight).sum(-1), 1, rtol=0, atol=1e-6)
    expected = output_by_weights(attention, numpy(trace.weight), arguments.get("context", TARGET))
    np.testing.assert_allclose(before, expected, **CLOSE)


def test_weights_are_a_softmax_of_products_and_zero_where_masked(attention_call):
    attention, arguments = attention_call
    trace = attention.trace(ops.convert_to_tensor(TARGET), **tensors(arguments))
    score, weight = numpy(trace.score), numpy(trace.weight)
    products = trace.scale * numpy(trace.query) @ numpy(trace.key).swapaxes(2, 3)
    np.testing.assert_allclose(score, products + (0 if trace.bias is None else numpy(trace.bias)), **CLOSE)
    mask = np.ones((3, 1, 7, score.shape[3]), bool)
    if "padding_mask" in arguments:
        padding_mask = arguments["padding_mask"]
        mask &= padding_mask[:, None, None] if padding_mask.ndim == 2 else padding_mask[:, None]
    if attention.causal:
        mask &= np.tri(7, dtype=bool)
    assert (weight[~np.broadcast_to(mask, weight.shape)] == 0).all()
    assert (weight[np.broadcast_to(mask, weight.shape)] > 0).all()
    exponentials = np.exp(score) * mask
    np.testing.assert_allclose(weight, exponentials / exponentials.sum(-1, keepdims=True), **CLOSE)


def test_a_row_without_a_visible_key_is_zero():
    attention = built(MultiHeadAttention(4), {})
    padding_mask = ops.convert_to_tensor(PADDING_MASK & np.array([[True], [False], [True]]))
    weight = numpy(attention.trace(ops.convert_to_tensor(TARGET), padding_mask=padding_mask).weight)
    assert (weight[1] == 0).all()
    np.testing.assert_allclose(weight[[0, 2]].sum(-1), 1, rtol=0, atol=1e-6)


def test_low_rank_updates_count():
    attention = built(MultiHeadAttention(4), {})
    without = numpy(attention.trace(ops.convert_to_tensor(TARGET)).weight)
    update = attach(attention.query, "kernel", rank=2, scale=1.0)
    update.b.assign(np.random.default_rng(0).normal(size=update.b.shape))
    weight = numpy(attention.trace(ops.convert_to_tensor(TARGET)).weight)
    assert abs(weight - without).max() > 1e-2
    np.testing.assert_allclose(numpy(attention(TARGET)), output_by_weights(attention, weight, TARGET), **CLOSE)


@pytest.mark.parametrize("score", ["additive", "general", "dot"])
def test_alignments_give_the_context_vectors(score):
    source = SOURCE[..., :6] if score == "dot" else SOURCE
    attention, query = layers.DecoderAttention(6, score), TARGET[..., :6]
    context = numpy(attention(query, source, SOURCE_MASK))
    trace = attention.trace(*map(ops.convert_to_tensor, (query, source, SOURCE_MASK)))
    np.testing.assert_allclose(numpy(trace.weight)[:, 0] @ source, context, **CLOSE)
    assert (numpy(trace.weight)[:, 0].swapaxes(1, 2)[~SOURCE_MASK] == 0).all()
    assert (trace.query is None) == (score == "additive")


def test_weights_of_attention_pooling_give_the_pooled_features():
    pooling = layers.Pooling("attention")
    pooled = numpy(pooling(TARGET, PADDING_MASK))
    weight = numpy(pooling.trace(ops.convert_to_tensor(TARGET), ops.convert_to_tensor(PADDING_MASK)).weight)
    np.testing.assert_allclose(np.einsum("bs,bsm->bm", weight[:, 0, 0], TARGET), pooled, **CLOSE)
    assert (weight[:, 0, 0][~PADDING_MASK] == 0).all()
    assert layers.Pooling("mean").trace(ops.convert_to_tensor(TARGET)) is None


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", [{}, {"padding_mask": PADDING_MASK}, {"mask": PADDING_MASK[:, ::-1].copy()}])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reverse": True},
        {"return_sequences": False},
        {"return_state": True},
        {"go_backwards": True, "return_state": True, "return_sequences": False},
    ],
)
def test_a_recurrent_trace_has_the_outputs_of_the_call(cell, mask, settings):
    rnn = layer(cell, **settings)
    expected = keras.tree.flatten(rnn(X, **mask))
    actual = keras.tree.flatten(rnn.trace(ops.convert_to_tensor(X), **tensors(mask)).outputs)
    for x, y in zip(actual, expected, strict=True):
        np.testing.assert_allclose(numpy(x), numpy(y), **CLOSE)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_states_are_the_outputs_and_gates_give_the_states(cell, reverse):
    rnn = layer(cell, reverse=reverse)
    trace = rnn.trace(ops.convert_to_tensor(X), ops.convert_to_tensor(PADDING_MASK))
    h, gates = numpy(trace.states["h"]), {name: numpy(array) for name, array in trace.gates.items()}
    np.testing.assert_allclose(h, numpy(rnn(X, PADDING_MASK)), **CLOSE)
    zeros, is_token = np.zeros((3, 1, 6), "float32"), PADDING_MASK[..., None]

    def before(array):
        return np.concatenate([array[:, 1:], zeros] if reverse else [zeros, array[:, :-1]], axis=1)

    if cell == "LSTM":
        c = numpy(trace.states["c"])
        cell_state = gates["forget"] * before(c) + gates["input"] * gates["candidate"]
        np.testing.assert_allclose(c, cell_state * is_token, **CLOSE)
        np.testing.assert_allclose(h, gates["output"] * np.tanh(c), **CLOSE)
    elif cell == "GRU":
        update = gates["update"]
        np.testing.assert_allclose(h, (update * before(h) + (1 - update) * gates["candidate"]) * is_token, **CLOSE)
        assert set(gates) == {"update", "reset", "candidate"}
    else:
        assert not gates


def outputs_with_changed_state(rnn, t, change):
    """The states of a layer that is called on t tokens, and then on the others with another state: a float64 array."""
    first, state = rnn(X[:, :t], state=[ops.zeros((3, 6))] * rnn.state_count)
    state = [array.astype("float32") for array in change(*map(numpy, state))]
    last, _ = rnn(X[:, t:], state=state)
    return np.concatenate([numpy(first)[:, :-1], state[0][:, None], numpy(last)], axis=1).astype("float64")


@pytest.mark.parametrize(("cell", "name"), [("LSTM", "c"), ("LSTM", "h"), ("GRU", "h"), ("RNN", "h")])
def test_the_gradient_by_offsets_is_the_total_derivative_by_the_states(cell, name):
    """Compared with calls that are split after a token, between which the state is changed by a small step."""
    rnn, random, t, step = layer(cell), np.random.default_rng(0), 3, 1e-2
    weights, direction = random.normal(size=(3, 7, 6)), random.normal(size=(3, 6))

    def loss(*zeros):
        trace = rnn.trace(ops.convert_to_tensor(X), offsets=dict(zip("hc", zeros, strict=False)))
        return ops.sum(trace.outputs * ops.convert_to_tensor(weights, "float32"))

    def changed(size):
        if name == "h":
            return (outputs_with_changed_state(rnn, t, lambda h, *c: [h + size * direction, *c]) * weights).sum()
        gate = numpy(rnn.trace(ops.convert_to_tensor(X)).gates["output"])[:, t - 1]
        change = lambda _, c: [gate * np.tanh(c + size * direction), c + size * direction]  # noqa: E731
        return (outputs_with_changed_state(rnn, t, change) * weights).sum()

    _, gradients = value_and_gradients(loss, *[np.zeros((3, 7, 6), "float32")] * rnn.state_count)
    actual = (numpy(gradients["hc".index(name)])[:, t - 1] * direction).sum()
    np.testing.assert_allclose(actual, (changed(step) - changed(-step)) / (2 * step), rtol=2e-3)


@pytest.mark.parametrize("input_feeding", ["context", "output"])
@pytest.mark.parametrize("score", ["additive", "general"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_trace_of_a_decoder_has_its_states_gates_and_alignment(cell, score, input_feeding):
    decoder = layers.AttentionDecoder(6, cell=cell, score=score, input_feeding=input_feeding)
    expected = keras.tree.flatten(decoder(X, SOURCE, SOURCE_MASK))
    trace = decoder.trace(*map(ops.convert_to_tensor, (X, SOURCE, SOURCE_MASK)))
    for x, y in zip(keras.tree.flatten(trace.outputs), expected, strict=True):
        np.testing.assert_allclose(numpy(x), numpy(y), **CLOSE)
    h, gates = numpy(trace.states["h"]), {name: numpy(array) for name, array in trace.gates.items()}
    np.testing.assert_allclose(h[:, -1], numpy(expected[1]), **CLOSE)
    if cell == "lstm":
        np.testing.assert_allclose(h, gates["output"] * np.tanh(numpy(trace.states["c"])), **CLOSE)
    else:
        before, update = np.concatenate([0 * h[:, :1], h[:, :-1]], axis=1), gates["update"]
        np.testing.assert_allclose(h, update * before + (1 - update) * gates["candidate"], **CLOSE)
    weight = numpy(trace.alignment.weight)[:, 0]
    context = weight @ SOURCE  # of the state before a step, or of the new one, of which the features are made
    query = np.concatenate([0 * h[:, :1], h[:, :-1]], axis=1) if input_feeding == "context" else h
    np.testing.assert_allclose(context, numpy(decoder.attention(query, SOURCE, SOURCE_MASK)), **CLOSE)
    readout = numpy(decoder.readout(np.concatenate([h, context], axis=-1)))
    np.testing.assert_allclose(readout, numpy(expected[0]), **CLOSE)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_traces_of_half_precision_layers_are_near_the_outputs(precision):
    rnn, attention = layers.LSTM(6, dtype=precision), MultiHeadAttention(4, dtype=precision)
    y = numpy(rnn(X))
    np.testing.assert_allclose(numpy(rnn.trace(ops.convert_to_tensor(X)).states["h"]), y, rtol=0, atol=2e-2)
    y = numpy(attention(TARGET))
    weight = numpy(attention.trace(ops.convert_to_tensor(TARGET)).weight)
    np.testing.assert_allclose(output_by_weights(attention, weight, TARGET), y, rtol=0, atol=5e-2)
