"""Gradient accumulation on torch: Keras's own steps, without a number read from the device at each batch."""

import keras
import numpy as np
import pytest

from zoo import backend

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(keras.config.backend() != "torch", reason="the optimizer is torch's")

OPTIONS = {"weight_decay": 0.1, "global_clipnorm": 0.5, "gradient_accumulation_steps": 3}
SHAPES = ((4,), (4, 2))


def made(make):
    """(optimizer, its weights)."""
    weights = [keras.Variable(np.full(shape, 0.5, "float32"), name=f"w{len(shape)}") for shape in SHAPES]
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    optimizer = make(schedule, **OPTIONS)
    optimizer.build(weights)
    return optimizer, weights


def apply(optimizer, weights, batches):
    """Give the optimizer the gradients of some batches."""
    for number in batches:
        random = np.random.default_rng(number)
        gradients = [torch.from_numpy(random.normal(size=shape).astype("float32")) for shape in SHAPES]
        with torch.no_grad():
            optimizer.apply([gradient.to(weights[0].value.device) for gradient in gradients], weights)


def values(*groups):
    return [keras.ops.convert_to_numpy(variable) for group in groups for variable in group]


def test_steps_are_those_of_keras():
    results = []
    for make in (backend.AdamW, keras.optimizers.AdamW):
        optimizer, weights = made(make)
        apply(optimizer, weights, range(8))
        results.append(values(weights, optimizer.variables))
    for value, expected in zip(*results, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


def test_a_restored_optimizer_goes_on_within_a_group(monkeypatch):
    """The number of batches is read from the device at the first batch, and after a checkpoint."""
    uninterrupted, expected = made(backend.AdamW)
    apply(uninterrupted, expected, range(9))
    first, weights = made(backend.AdamW)
    apply(first, weights, range(4))
    second, restored = made(backend.AdamW)
    apply(second, restored, range(2))
    for variable, value in zip([*restored, *second.variables], values(weights, first.variables), strict=True):
        variable.assign(value)
    apply(second, restored, [4])
    monkeypatch.setattr(torch.nn.Parameter, "__int__", lambda self: pytest.fail("a number was read from the device"))
    apply(second, restored, range(5, 9))
    for value, other in zip(values(restored), values(expected), strict=True):
        np.testing.assert_array_equal(value, other)
