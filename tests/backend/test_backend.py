"""Backend functions: the same results on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import backend
from zoo.layers.dense import Dense
from zoo.layers.recurrent.cells import GRU
from zoo.layers.token_logits import TokenLoss

numpy = ops.convert_to_numpy
X = np.arange(12, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_runs_along_the_first_axis(reverse):
    def step(state, inputs):
        total = state[0] + inputs[0] * inputs[1]
        return (total,), (total, 2 * total)

    inputs = (ops.convert_to_tensor(X), ops.ones((4, 3)))
    state, (totals, doubles) = backend.scan(step, (ops.zeros(3),), inputs, reverse)
    expected = X[::-1].cumsum(0)[::-1] if reverse else X.cumsum(0)
    np.testing.assert_array_equal(numpy(totals), expected)
    np.testing.assert_array_equal(numpy(doubles), 2 * expected)
    np.testing.assert_array_equal(numpy(state[0]), X.sum(0))


def test_custom_gradient_is_the_gradient_that_training_uses():
    """A product with ten times its gradient: a step of descent goes ten times as far."""

    class Layer(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight((), initializer="ones")

        def call(self, x):
            run = backend.custom_gradient(
                lambda x, scale: ((x * scale,), (x, scale)),
                lambda saved, gradients: (10 * gradients[0] * saved[1], 10 * ops.sum(gradients[0] * saved[0])),
            )
            return run(x, ops.convert_to_tensor(self.scale))[0]

    model = keras.Sequential([keras.Input((3,)), Layer()])
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    model.train_on_batch(X, np.zeros_like(X))
    expected = 1 - 1e-3 * 10 * np.mean(2 * X * X)
    np.testing.assert_allclose(numpy(model.weights[0]), expected, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [5, 30_000])
def test_cross_entropy_and_its_gradient(classes, smoothing):
    random, rows = np.random.default_rng(0), 24  # many classes are processed in chunks on some backends
    logits, targets = random.normal(size=(rows, classes)), random.integers(classes, size=rows)
    weights = random.uniform(size=rows)
    share = np.full((rows, classes), smoothing / classes)
    share[np.arange(rows), targets] += 1 - smoothing
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    model = keras.Sequential([keras.Input((), dtype="int32"), keras.layers.Embedding(rows, classes)])
    model.set_weights([logits])
    model.compile(keras.optimizers.SGD(1.0), TokenLoss(smoothing))
    losses = backend.cross_entropy(ops.cast(logits, "float32"), ops.convert_to_tensor(targets, "int32"), smoothing)
    np.testing.assert_allclose(numpy(losses), -(share * log_p).sum(-1), rtol=1e-5)
    model.train_on_batch(np.arange(rows), targets, sample_weight=weights)
    gradient = (np.exp(log_p) - share) * weights[:, None] / rows
    np.testing.assert_allclose(logits - numpy(model.weights[0]), gradient, atol=1e-6)


def test_cross_entropy_of_half_precision_is_computed_in_float32():
    random = np.random.default_rng(0)
    logits, targets = ops.cast(random.normal(size=(24, 30_000)), "bfloat16"), random.integers(30_000, size=24)
    losses = backend.cross_entropy(logits, ops.convert_to_tensor(targets, "int32"))
    full = backend.cross_entropy(ops.cast(logits, "float32"), ops.convert_to_tensor(targets, "int32"))
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    np.testing.assert_allclose(numpy(losses), numpy(full), rtol=1e-5)


def test_adam_adds_up_the_gradients_of_a_row_that_is_looked_up_twice():
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(4, 1, "ones")])
    model.compile(backend.AdamW(0.1, weight_decay=0.0), "mse")
    table, momentum, velocity = np.ones(4), np.zeros(4), np.zeros(4)
    for step, ids in enumerate(([0, 0, 1], [0, 1, 1]), start=1):
        gradient = np.bincount(ids, 2 * table[ids] / 3, minlength=4)
        momentum, velocity = 0.9 * momentum + 0.1 * gradient, 0.999 * velocity + 0.001 * gradient**2
        table = table - 0.1 * (momentum / (1 - 0.9**step)) / (np.sqrt(velocity / (1 - 0.999**step)) + 1e-7)
        model.train_on_batch(np.array([ids]), np.zeros((1, 3, 1)))
        np.testing.assert_allclose(numpy(model.weights[0])[:, 0], table, rtol=1e-4)


def test_small_functions():
    x = ops.convert_to_tensor(X)
    np.testing.assert_array_equal(numpy(backend.transpose(x)), X.T)
    for actual, expected in zip(backend.split(x, 3), np.split(X, 3, -1), strict=True):
        np.testing.assert_array_equal(numpy(actual), expected)
    np.testing.assert_array_equal(numpy(backend.concatenate([x, x])), np.concatenate([X, X], -1))
    np.testing.assert_allclose(numpy(backend.sigmoid(x)), 1 / (1 + np.exp(-X)), rtol=1e-6)
    np.testing.assert_allclose(numpy(backend.tanh(x)), np.tanh(X), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 2, 400), (5, 400), (1, 400)])
def test_linear_multiplies_and_adds_with_a_gradient_and_without(shape):
    """On torch a kernel of this size is multiplied by oneDNN where no gradient is needed."""
    rng = np.random.default_rng(0).normal
    x, kernel, bias = (rng(size=size).astype("float32") for size in (shape, (400, 500), 500))
    model = keras.Sequential([keras.Input(shape[1:]), Dense(500)])
    model.set_weights([kernel, bias])
    for y in (model(x), backend.jit(model, model.variables, donate=False)(ops.convert_to_tensor(x))):
        np.testing.assert_allclose(numpy(y), x @ kernel + bias, rtol=1e-4, atol=1e-4)
    no_bias = backend.jit(backend.linear, [], donate=False)(ops.convert_to_tensor(x), ops.convert_to_tensor(kernel))
    np.testing.assert_allclose(numpy(no_bias), x @ kernel, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the fused kernels are PyTorch's")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_fused_recurrence_is_the_same_recurrence(kind, reverse, monkeypatch):
    """The fused kernels, run on the CPU as they are on a CUDA device."""
    import torch

    from zoo.backend import torch_recurrence
    from zoo.layers.recurrent import cells

    layer = getattr(cells, kind)(6, reverse=reverse)
    x, padding_mask = torch.randn(3, 7, 5), torch.arange(7)[None] < torch.tensor([[7], [4], [1]])
    layer(x, padding_mask)
    layer.bias.assign(torch.randn(layer.bias.shape))
    weights = [weight.value for weight in layer.weights]
    assert torch_recurrence.fused_recurrence(kind, x, padding_mask, reverse, weights) is None
    monkeypatch.setattr(torch_recurrence, "FUSED_ON", "cpu")
    y = torch_recurrence.fused_recurrence(kind, x.transpose(0, 1), padding_mask, reverse, weights).transpose(0, 1)
    np.testing.assert_allclose(numpy(y * padding_mask[..., None]), numpy(layer(x, padding_mask)), atol=1e-5)


def test_adamw_is_that_of_the_paper():
    """Loshchilov & Hutter 2019, algorithm 2, with the bias corrected as in Kingma & Ba 2015, end of section 2."""
    random = np.random.default_rng(0)
    weights, gradients = random.standard_normal((4, 3)), random.standard_normal((5, 4, 3)) * 1e-6  # epsilon matters
    variable = keras.Variable(weights.astype("float32"))
    optimizer = backend.AdamW(0.01, weight_decay=0.1, epsilon=1e-7)
    optimizer.build([variable])
    m = v = np.zeros_like(weights)
    for step, gradient in enumerate(gradients, start=1):
        optimizer.apply([ops.transpose(ops.convert_to_tensor(gradient.T, "float32"))])  # not laid out as the weights
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weights = weights * (1 - 0.01 * 0.1) - rate * m / (np.sqrt(v) + 1e-7)
    np.testing.assert_allclose(numpy(variable), weights, atol=1e-5)


def test_gradients_are_clipped_together():
    """Pascanu 2013, algorithm 1."""
    random = np.random.default_rng(0)
    shapes = (4, 3), (5,)
    variables = [keras.Variable(random.standard_normal(shape).astype("float32")) for shape in shapes]
    # with such an epsilon, steps grow with gradients
    optimizer = backend.AdamW(0.01, weight_decay=0.0, global_clipnorm=1.0, epsilon=1.0)
    optimizer.build(variables)
    m, v = [0.0, 0.0], [0.0, 0.0]
    weights = [numpy(variable) for variable in variables]
    for step, size in enumerate((5.0, 0.01, 3.0), start=1):  # the second needs no clipping
        gradients = [(size * random.standard_normal(shape)).astype("float32") for shape in shapes]
        optimizer.apply([ops.convert_to_tensor(gradient) for gradient in gradients])
        scale = min(1.0, 1.0 / np.sqrt(sum(np.sum(gradient**2) for gradient in gradients)))
        m = [0.9 * old + 0.1 * scale * gradient for old, gradient in zip(m, gradients, strict=True)]
        v = [0.999 * old + 0.001 * (scale * gradient) ** 2 for old, gradient in zip(v, gradients, strict=True)]
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weights = [w - rate * mean / (np.sqrt(square) + 1.0) for w, mean, square in zip(weights, m, v, strict=True)]
    for variable, expected in zip(variables, weights, strict=True):
        np.testing.assert_allclose(numpy(variable), expected, atol=1e-6)


def test_an_infinite_gradient_makes_all_weights_nan():
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer = backend.AdamW(0.01, global_clipnorm=1.0)
    optimizer.build([variable])
    optimizer.apply([ops.convert_to_tensor(np.array([np.inf, 1.0, 0.0], "float32"))])
    assert np.isnan(numpy(variable)).all()


def test_capture_runs_once_and_on_its_arguments():
    add = backend.capture(lambda state, change: {"sum": state["sum"] + change["by"]})
    state = {"sum": ops.ones(3)}
    for expected in (3, 5, 7):
        state = add(state, {"by": ops.full((3,), 2.0)})
        np.testing.assert_array_equal(ops.convert_to_numpy(state["sum"]), np.full(3, expected))


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="only PyTorch updates arrays in place")
def test_capture_updates_an_array_in_place_once():
    cache = ops.zeros(3)
    step = backend.capture(lambda array: array.add_(1.0))
    for times in (1, 2, 3):
        assert step(cache) is cache
        assert cache.tolist() == [times] * 3


def test_value_and_gradients_of_a_function_of_arrays():
    x, y = X, np.ones((2,), "float32")
    value, gradients = backend.value_and_gradients(lambda x, y: ops.sum(x * x), x, y)
    assert numpy(value) == (X * X).sum()
    np.testing.assert_array_equal(numpy(gradients[0]), 2 * X)
    np.testing.assert_array_equal(numpy(gradients[1]), [0, 0])  # the value does not depend on it
    value, gradients = backend.value_and_gradients(lambda x: ops.convert_to_tensor(3.0), x)
    np.testing.assert_array_equal(numpy(gradients[0]), np.zeros_like(X))
    _, (gradient,) = backend.value_and_gradients(lambda x: ops.sum(ops.take(x, [2, 2], axis=0)), x)
    np.testing.assert_array_equal(numpy(gradient), [[0] * 3, [0] * 3, [2] * 3, [0] * 3])


def test_value_and_gradients_of_layers_also_in_jit():
    """Against central differences; the recurrence has a custom gradient, and torch's `jit` runs without gradients."""
    inputs = keras.Input((4, 3))
    states = GRU(5)(Dense(6, activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dropout(0.5)(states))
    direction = ops.cast(np.random.default_rng(0).normal(size=(1, 4, 5)), "float32")

    def output(x):
        return ops.sum(model(x, training=False) * direction)

    _, (gradient,) = backend.value_and_gradients(output, X[None])
    steps = 1e-2 * np.eye(12).reshape(12, 4, 3)
    differences = [numpy(output(X[None] + step) - output(X[None] - step)) / 2e-2 for step in steps.astype("float32")]
    np.testing.assert_allclose(numpy(gradient), np.reshape(differences, (1, 4, 3)), atol=1e-3)
    run = backend.jit(lambda x: backend.value_and_gradients(output, x), model.variables, donate=False)
    np.testing.assert_allclose(numpy(run(ops.convert_to_tensor(X[None]))[1][0]), numpy(gradient), atol=1e-6)
