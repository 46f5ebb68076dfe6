"""What the zoo asks of JAX beyond `keras.ops`."""

from functools import partial

import jax
import jax.numpy as jnp

sigmoid, tanh, transpose = jax.nn.sigmoid, jnp.tanh, jnp.transpose
concatenate, split = partial(jnp.concatenate, axis=-1), partial(jnp.split, axis=-1)


def seed(number):
    """Seed JAX's global random state: there is none."""


def random_state():
    """Global random state as {name: array}: JAX has none, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays."""
    return stream()


def scan(step, state, inputs, reverse=False):
    """Run `state, outputs = step(state, slices)` along axis 0 of the `inputs`: the last state and stacked outputs."""
    return jax.lax.scan(step, state, inputs, reverse=reverse)


def differentiable(forward, backward):
    """A function with a gradient of its own: `outputs, kept = forward(*arrays)`, `backward(kept, gradients)`."""
    run = jax.custom_vjp(lambda *arrays: forward(*arrays)[0])
    run.defvjp(forward, backward)
    return run
