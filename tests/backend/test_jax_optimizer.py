"""Gradient accumulation on JAX: Keras's own steps, computed at the last batch of a group only."""

import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("the optimizer is JAX's", allow_module_level=True)

import jax

from zoo import backend

OPTIONS = {
    "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5),
    "weight_decay": 0.1,
    "global_clipnorm": 0.5,
    "gradient_accumulation_steps": 3,
}


def optimizer_and_state(make, **options):
    weights = [keras.Variable(np.full(shape, 0.5, "float32"), name=f"w{len(shape)}") for shape in ((4,), (4, 2))]
    optimizer = make(**OPTIONS | options)
    optimizer.build(weights)
    return optimizer, [weight.value for weight in weights], [variable.value for variable in optimizer.variables]


def test_steps_are_those_of_keras():
    results = []
    for make in (backend.AdamW, keras.optimizers.AdamW):
        random = np.random.default_rng(0)
        optimizer, weights, state = optimizer_and_state(make)
        step = jax.jit(optimizer.stateless_apply)
        for _ in range(7):
            gradients = [random.normal(size=weight.shape).astype("float32") for weight in weights]
            weights, state = step(state, gradients, weights)
        results.append([*weights, *state])
    for value, expected in zip(*results, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_the_step_and_the_moving_average_are_computed_within_a_branch():
    """Adam's square root is nowhere outside of the loop that runs at the last batch alone."""
    optimizer, weights, state = optimizer_and_state(backend.AdamW, use_ema=True, ema_momentum=0.9)
    program = jax.make_jaxpr(optimizer.stateless_apply)(state, weights, weights)
    primitives = [equation.primitive.name for equation in program.eqns]
    assert primitives.count("while") == 1
    assert "sqrt" not in primitives
    assert "sqrt" in str(program)
