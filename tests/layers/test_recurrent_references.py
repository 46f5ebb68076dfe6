"""Recurrent layers against PyTorch's and Keras's own with the same weights, and as a graph of TensorFlow."""

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_layers import CELLS, CLOSE, LENGTHS, PADDING_MASK, X, layer, numpy, weights

from zoo.layers.recurrent.layer import Recurrent

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
ORDER = {"RNN": (0,), "LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}  # PyTorch's gates among ours
KERAS = {"RNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_training_step_equals_that_of_the_keras_layer(cell, reverse):
    """One step of plain gradient descent, on padded texts, changes all weights as it changes those of Keras's layer."""
    rnn, theirs = layer(cell, reverse=reverse), KERAS[cell](6, return_sequences=True)
    theirs.build(X.shape)
    theirs.set_weights(weights(rnn))
    targets = np.random.default_rng(2).normal(size=(3, 7, 6)).astype("float32") * PADDING_MASK[..., None]
    actual = _weights_after_a_step(rnn, X, PADDING_MASK, targets)
    order = np.where(PADDING_MASK, np.array(LENGTHS)[:, None] - 1 - np.arange(7), np.arange(7))[..., None]
    reverse_texts = (lambda a: np.take_along_axis(a, order, 1)) if reverse else (lambda a: a)
    expected = _weights_after_a_step(theirs, reverse_texts(X), PADDING_MASK, reverse_texts(targets))
    for weight, expected_weight in zip(actual, expected, strict=True):
        np.testing.assert_allclose(weight, expected_weight, **CLOSE)


def _weights_after_a_step(rnn, x, padding_mask, targets):
    inputs = keras.Input((None, x.shape[-1])), keras.Input((None,), dtype="bool")
    mask = keras.layers.Lambda(lambda v: ops.cast(v, "float32")[..., None])(inputs[1])
    y = rnn(*inputs) if isinstance(rnn, Recurrent) else rnn(inputs[0])
    model = keras.Model(inputs, y * mask)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch([x, padding_mask], targets)
    return weights(rnn)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the reference is written in torch")
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_packed_layers_of_torch(cell, depth):
    """Both directions, stacked, on packed texts: features, and gradients of every weight and of the input."""
    import torch

    theirs = getattr(torch.nn, cell)(5, 6, num_layers=depth, bidirectional=True, batch_first=True)
    ours = {
        f"_l{i}{'_reverse' * reverse}": layer(cell, 12 if i else 5, reverse=reverse)
        for i in range(depth)
        for reverse in (False, True)
    }
    for parameter in theirs.parameters():
        parameter.data.zero_()
    for suffix, rnn in ours.items():
        for name, array in _as_torch(cell, *weights(rnn)).items():
            getattr(theirs, name + suffix).data = torch.tensor(array)
    x, x_theirs = (torch.tensor(X, requires_grad=True) for _ in range(2))
    y, pairs = x, iter(ours.values())
    for pair in zip(pairs, pairs, strict=True):
        y = torch.cat([rnn(y, torch.tensor(PADDING_MASK)) for rnn in pair], -1)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_theirs, LENGTHS, batch_first=True)
    y_theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    np.testing.assert_allclose(y.detach().numpy(), y_theirs.detach().numpy(), **CLOSE)
    slope = torch.tensor(np.random.default_rng(3).normal(size=y.shape).astype("float32"))
    (y * slope).sum().backward()
    (y_theirs * slope).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), x_theirs.grad.numpy(), **CLOSE)
    for suffix, rnn in ours.items():
        gradients = [weight.value.grad.numpy() for weight in rnn.weights]
        for name, array in _as_torch(cell, *gradients).items():
            np.testing.assert_allclose(
                array, getattr(theirs, name + suffix).grad.numpy(), err_msg=name + suffix, **CLOSE
            )


def _as_torch(cell, kernel, recurrent_kernel, bias):
    """Weights, or gradients, in PyTorch's layout. Its second bias of RNN and LSTM repeats the first: it is left out."""

    def transposed(array):
        return np.concatenate([np.split(array, GATES[cell], -1)[i] for i in ORDER[cell]], -1).T.copy()

    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    arrays = (kernel, recurrent_kernel, *(bias if cell == "GRU" else (bias,)))
    return {name: transposed(array) for name, array in zip(names, arrays, strict=False)}


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="it inspects a graph of TensorFlow")
@pytest.mark.parametrize("cell", CELLS)
def test_graph_needs_no_xla(cell):
    """Free batch and time, core operations alone: what a stock TensorFlow Serving can run."""
    import tensorflow as tf

    rnn = layer(cell, reverse=True)
    spec = tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None), tf.bool)
    graph = tf.function(lambda x, padding_mask: rnn(x, padding_mask)).get_concrete_function(*spec)
    definition = graph.graph.as_graph_def()
    names = {node.op for part in (definition.node, *(f.node_def for f in definition.library.function)) for node in part}
    assert not [name for name in names if "Xla" in name or "Cudnn" in name or "PyFunc" in name]
    np.testing.assert_allclose(
        numpy(graph(tf.constant(X), tf.constant(PADDING_MASK))), numpy(rnn(X, PADDING_MASK)), **CLOSE
    )
