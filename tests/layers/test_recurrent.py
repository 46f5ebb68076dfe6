"""Recurrent layers against PyTorch's and Keras's own with the same weights, and what padding, state and saving do."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.dropout import variational_dropout
from zoo.layers.recurrent import cells
from zoo.layers.recurrent.layer import Recurrent

LENGTHS = (7, 4, 1)
CELLS = ("RNN", "LSTM", "GRU")
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
ORDER = {"RNN": (0,), "LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}  # of our gates in PyTorch's
KERAS = {"RNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}
JAX = keras.config.backend() == "jax"  # has no float64 unless asked
CLOSE = {"rtol": 1e-5, "atol": 1e-5}

PADDING_MASK = np.arange(7)[None] < np.array(LENGTHS)[:, None]
X = np.random.default_rng(0).normal(size=(3, 7, 5)).astype("float32")


def layer(cell, width=5, **settings):
    made = getattr(cells, cell)(6, **settings)
    made.build((None, None, width))
    random = np.random.default_rng(1)
    for weight in made.weights:
        weight.assign(random.normal(scale=0.4, size=weight.shape))
    return made


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def weights(made):
    return [numpy(weight) for weight in made.weights]


def by_hand(made, x):
    """One text, step by step: (time, features) to (time, units)."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    kernel, recurrent_kernel, bias = weights(made)
    h, c, features = np.zeros(6), np.zeros(6), []
    for row in x[::-1] if made.reverse else x:
        if type(made) is cells.GRU:
            z, r, n = np.split(row @ kernel + bias[0], 3)
            to_z, to_r, to_n = np.split(h @ recurrent_kernel + bias[1], 3)
            z, r = sigmoid(z + to_z), sigmoid(r + to_r)
            h = z * h + (1 - z) * np.tanh(n + r * to_n)
        elif type(made) is cells.LSTM:
            i, f, g, o = np.split(row @ kernel + h @ recurrent_kernel + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            h = np.tanh(row @ kernel + h @ recurrent_kernel + bias)
        features.append(h)
    return np.array(features[::-1] if made.reverse else features)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_the_equations(cell, reverse):
    made = layer(cell, reverse=reverse)
    y = numpy(made(X, PADDING_MASK))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(y[row, :length], by_hand(made, X[row, :length]), **CLOSE)
        assert (y[row, length:] == 0).all()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_learns_as_the_layer_of_keras_does(cell, reverse):
    """One step of plain gradient descent, on padded texts, moves all weights as it moves those of Keras's layer."""
    made, theirs = layer(cell, reverse=reverse), KERAS[cell](6, return_sequences=True)
    theirs.build(X.shape)
    theirs.set_weights(weights(made))
    goal = np.random.default_rng(2).normal(size=(3, 7, 6)).astype("float32") * PADDING_MASK[..., None]
    weights_after = _descended(made, X, PADDING_MASK, goal)
    order = np.where(PADDING_MASK, np.array(LENGTHS)[:, None] - 1 - np.arange(7), np.arange(7))[..., None]
    transposed = (lambda a: np.take_along_axis(a, order, 1)) if reverse else (lambda a: a)
    for this, other in zip(
        weights_after, _descended(theirs, transposed(X), PADDING_MASK, transposed(goal)), strict=True
    ):
        np.testing.assert_allclose(this, other, **CLOSE)


def _descended(made, x, padding_mask, goal):
    inputs = keras.Input((None, x.shape[-1])), keras.Input((None,), dtype="bool")
    mask = keras.layers.Lambda(lambda v: ops.cast(v, "float32")[..., None])(inputs[1])
    y = made(*inputs) if isinstance(made, Recurrent) else made(inputs[0])
    model = keras.Model(inputs, y * mask)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch([x, padding_mask], goal)
    return weights(made)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the reference is written in torch")
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_packed_layers_of_torch(cell, depth):
    """Both directions, stacked, on packed texts: features, and gradients of every weight and of the input."""
    import torch

    theirs = getattr(torch.nn, cell)(5, 6, num_layers=depth, bidirectional=True, batch_first=True)
    ours = {
        f"_l{i}{'_reverse' * transposed}": layer(cell, 12 if i else 5, reverse=transposed)
        for i in range(depth)
        for transposed in (False, True)
    }
    for parameter in theirs.parameters():
        parameter.data.zero_()
    for end, made in ours.items():
        for name, array in _as_torch(cell, *weights(made)).items():
            getattr(theirs, name + end).data = torch.tensor(array)
    x, x_theirs = (torch.tensor(X, requires_grad=True) for _ in range(2))
    y, pairs = x, iter(ours.values())
    for pair in zip(pairs, pairs, strict=True):
        y = torch.cat([made(y, torch.tensor(PADDING_MASK)) for made in pair], -1)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_theirs, LENGTHS, batch_first=True)
    y_theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    np.testing.assert_allclose(y.detach().numpy(), y_theirs.detach().numpy(), **CLOSE)
    slope = torch.tensor(np.random.default_rng(3).normal(size=y.shape).astype("float32"))
    (y * slope).sum().backward()
    (y_theirs * slope).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), x_theirs.grad.numpy(), **CLOSE)
    for end, made in ours.items():
        gradients = [weight.value.grad.numpy() for weight in made.weights]
        for name, array in _as_torch(cell, *gradients).items():
            np.testing.assert_allclose(array, getattr(theirs, name + end).grad.numpy(), err_msg=name + end, **CLOSE)


def _as_torch(cell, kernel, recurrent_kernel, bias):
    """Weights, or gradients, in PyTorch's layout. Its second bias of RNN and LSTM repeats the first: it is left out."""

    def transposed(array):
        return np.concatenate([np.split(array, GATES[cell], -1)[i] for i in ORDER[cell]], -1).T.copy()

    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    arrays = (kernel, recurrent_kernel, *(bias if cell == "GRU" else (bias,)))
    return {name: transposed(array) for name, array in zip(names, arrays, strict=False)}


@pytest.mark.parametrize("cell", CELLS)
def test_state_goes_on_where_it_ended(cell):
    """In two pieces, the second with padding and with a text that has ended: the same features and last state."""
    made = layer(cell)
    full, end = made(X, PADDING_MASK, state=made.initial_state(3))
    first, state = made(X[:, :3], PADDING_MASK[:, :3], state=made.initial_state(3))
    second, state = made(X[:, 3:], PADDING_MASK[:, 3:], state=state)
    np.testing.assert_allclose(np.concatenate([numpy(first), numpy(second)], 1), numpy(full), **CLOSE)
    np.testing.assert_allclose(numpy(full), numpy(made(X, PADDING_MASK)), **CLOSE)
    for this, other in zip(state, end, strict=True):
        np.testing.assert_allclose(numpy(this), numpy(other), **CLOSE)
    np.testing.assert_allclose(numpy(made(X, state=made.initial_state(3))[1][0]), numpy(made(X))[:, -1], **CLOSE)


def test_state_in_a_drawn_network():
    made = layer("LSTM")
    inputs = [keras.Input((None, 5)), keras.Input((None,), dtype="bool"), [keras.Input((6,)), keras.Input((6,))]]
    model = keras.Model(inputs, made(*inputs))
    y, state = model([ops.convert_to_tensor(X), ops.convert_to_tensor(PADDING_MASK), made.initial_state(3)])
    assert y.shape == (3, 7, 6)
    assert [tuple(array.shape) for array in state] == [(3, 6)] * 2


def test_state_cannot_go_backwards():
    made = layer("GRU", reverse=True)
    with pytest.raises(ValueError, match=r"A state can only be passed forwards\. Received: reverse=True"):
        made(X, state=made.initial_state(3))


@pytest.mark.parametrize("cell", CELLS)
def test_saves_and_loads(cell, tmp_path):
    inputs = keras.Input((None, 5)), keras.Input((None,), dtype="bool")
    model = keras.Model(inputs, layer(cell, reverse=True)(*inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded([X, PADDING_MASK])), numpy(model([X, PADDING_MASK])))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"][: 2 if JAX else 3])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_precision(cell, reverse, policy):
    """Half precision costs what rounding inputs and outputs costs, after 300 steps too: the state is float32."""
    x = np.random.default_rng(4).normal(size=(2, 300, 5)).astype("float32")
    padding_mask = np.arange(300)[None] < np.array([[300], [120]])
    exact = numpy(layer(cell, reverse=reverse)(x, padding_mask))
    y = layer(cell, reverse=reverse, dtype=policy)(x, padding_mask)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(numpy(y), exact, atol=1e-5 if policy == "float64" else 0.05)


def test_forget_gates_begin_open():
    made = cells.LSTM(6)
    made.build((None, None, 5))
    np.testing.assert_array_equal(numpy(made.bias), np.repeat([0, 1, 0, 0], 6))


def test_variational_dropout_is_the_same_at_every_token():
    dropped = numpy(variational_dropout(0.5, "dropout")(np.ones((4, 7, 32), "float32"), training=True))
    assert (dropped == dropped[:, :1]).all()
    assert set(np.unique(dropped)) == {0, 2}
    assert not (dropped[0] == dropped[1]).all()


def test_merge_is_checked():
    with pytest.raises(ValueError, match="Did you mean 'concat'"):
        RecurrentStack(merge="concatenate")


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a graph of TensorFlow is looked into")
@pytest.mark.parametrize("cell", CELLS)
def test_graph_needs_no_xla(cell):
    """Free batch and time, core operations alone: what a stock TensorFlow Serving can run."""
    import tensorflow as tf

    made = layer(cell, reverse=True)
    spec = tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None), tf.bool)
    graph = tf.function(lambda x, padding_mask: made(x, padding_mask)).get_concrete_function(*spec)
    definition = graph.graph.as_graph_def()
    names = {node.op for part in (definition.node, *(f.node_def for f in definition.library.function)) for node in part}
    assert not [name for name in names if "Xla" in name or "Cudnn" in name or "PyFunc" in name]
    np.testing.assert_allclose(
        numpy(graph(tf.constant(X), tf.constant(PADDING_MASK))), numpy(made(X, PADDING_MASK)), **CLOSE
    )
