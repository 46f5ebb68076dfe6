"""Networks drawn without giving their weights memory first: to know their shapes, or to fill them from a file at once.

A weight that is made within a `keras.StatelessScope` waits for its initializer until the scope ends. What initializer a
weight has is the one thing here that Keras keeps to itself.
"""

from contextlib import contextmanager

import keras

from zoo.checkpoints.loading import LoadPlan


def draw_loaded(make, folder, fitting=False):
    """`(model, LoadReport)`: what `make()` draws, with the weights in `folder`; at no time is there more than one set.

    Otherwise as `zoo.load_weights`. With `fitting`, layers of a head whose tensors are of another shape are fresh.
    """
    with keras.StatelessScope():
        model = make()
        try:
            plan = LoadPlan(model.weights, folder, fitting=fitting)
        except ValueError:
            _forget(model)
            raise
        for weight in model.weights:
            if weight.path in plan.sources:
                weight._initializer = _Read(plan, weight)
    return model, plan.loaded


def shapes(make):
    """{path: shape} of the weights of the network that `make()` draws."""
    with hollow(make) as model:
        return {weight.path: tuple(weight.shape) for weight in model.weights}


@contextmanager
def hollow(make):
    """The network that `make()` draws, to look at within the block; none of its weights is held in memory."""
    with keras.StatelessScope():
        model = make()
        yield model
        _forget(model)


class _Read:
    """An initializer that reads a weight's numbers."""

    def __init__(self, plan, weight):
        self.plan, self.weight = plan, weight

    def __call__(self, shape, dtype=None):
        return keras.ops.convert_to_tensor(self.plan.read(self.weight), dtype)


def _forget(model):
    """Let a network that nobody will use take no memory."""
    for variable in model.variables:
        variable._initializer = lambda shape, dtype=None: keras.ops.zeros((), dtype)
