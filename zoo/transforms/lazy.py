"""Networks drawn without giving their weights memory first: to know their shapes, or to fill them from a file at once.

A weight that is made within a `keras.StatelessScope` waits for its initializer until the scope ends. What initializer a
weight has is the one thing here that Keras keeps to itself.
"""

from contextlib import contextmanager

import keras

from zoo.backend.keras_private import set_initializer


def shapes(make):
    """{path: shape} of the weights of the network that `make()` draws."""
    with abstract_model(make) as model:
        return {weight.path: tuple(weight.shape) for weight in model.weights}


@contextmanager
def abstract_model(make):
    """The network that `make()` draws, to look at within the block; none of its weights is held in memory."""
    with keras.StatelessScope():
        model = make()
        yield model
        forget_weights(model)


def forget_weights(model):
    """Let a network that nobody will use take no memory."""
    for variable in model.variables:
        set_initializer(variable, lambda shape, dtype=None: keras.ops.zeros((), dtype))
