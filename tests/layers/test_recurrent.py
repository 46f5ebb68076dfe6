"""Recurrent layers against the equations in NumPy, with padding, state and saving."""

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_layers import CELLS, CLOSE, LENGTHS, PADDING_MASK, X, layer, numpy, weights

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells

JAX = keras.config.backend() == "jax"  # float64 is disabled by default


def by_hand(rnn, x):
    """One text, step by step: (time, features) to (time, units)."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    kernel, recurrent_kernel, bias = weights(rnn)
    h, c, features = np.zeros(6), np.zeros(6), []
    for row in x[::-1] if rnn.reverse else x:
        if type(rnn) is cells.GRU:
            z, r, n = np.split(row @ kernel + bias[0], 3)
            hz, hr, hn = np.split(h @ recurrent_kernel + bias[1], 3)
            z, r = sigmoid(z + hz), sigmoid(r + hr)
            h = z * h + (1 - z) * np.tanh(n + r * hn)
        elif type(rnn) is cells.LSTM:
            i, f, g, o = np.split(row @ kernel + h @ recurrent_kernel + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            h = np.tanh(row @ kernel + h @ recurrent_kernel + bias)
        features.append(h)
    return np.array(features[::-1] if rnn.reverse else features)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_the_equations(cell, reverse):
    rnn = layer(cell, reverse=reverse)
    y = numpy(rnn(X, PADDING_MASK))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(y[row, :length], by_hand(rnn, X[row, :length]), **CLOSE)
        assert (y[row, length:] == 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_continues_a_text(cell):
    """In two pieces, the second with padding and with a text that has ended: the same features and last state."""
    rnn = layer(cell)
    full, expected_state = rnn(X, PADDING_MASK, state=rnn.initial_state(3))
    first, state = rnn(X[:, :3], PADDING_MASK[:, :3], state=rnn.initial_state(3))
    second, state = rnn(X[:, 3:], PADDING_MASK[:, 3:], state=state)
    np.testing.assert_allclose(np.concatenate([numpy(first), numpy(second)], 1), numpy(full), **CLOSE)
    np.testing.assert_allclose(numpy(full), numpy(rnn(X, PADDING_MASK)), **CLOSE)
    for array, expected in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(numpy(array), numpy(expected), **CLOSE)
    np.testing.assert_allclose(numpy(rnn(X, state=rnn.initial_state(3))[1][0]), numpy(rnn(X))[:, -1], **CLOSE)


def test_state_in_a_functional_model():
    rnn = layer("LSTM")
    inputs = [keras.Input((None, 5)), keras.Input((None,), dtype="bool"), [keras.Input((6,)), keras.Input((6,))]]
    model = keras.Model(inputs, rnn(*inputs))
    y, state = model([ops.convert_to_tensor(X), ops.convert_to_tensor(PADDING_MASK), rnn.initial_state(3)])
    assert y.shape == (3, 7, 6)
    assert [tuple(array.shape) for array in state] == [(3, 6)] * 2


def test_state_cannot_go_backwards():
    rnn = layer("GRU", reverse=True)
    with pytest.raises(ValueError, match=r"A state can only be passed forwards\. Received: reverse=True"):
        rnn(X, state=rnn.initial_state(3))


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


def test_forget_gates_are_initialised_open():
    rnn = cells.LSTM(6)
    rnn.build((None, None, 5))
    np.testing.assert_array_equal(numpy(rnn.bias), np.repeat([0, 1, 0, 0], 6))


def test_merge_is_checked():
    with pytest.raises(ValueError, match="Did you mean 'concat'"):
        RecurrentStack(merge="concatenate")
