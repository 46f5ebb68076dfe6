"""Abstract models: built without allocating their weights, to read shapes or the graph, as on PyTorch's meta device.

A weight that is created in a `keras.StatelessScope` is initialised only when the scope ends.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras

from zoo.backend import keras_private


def shapes(build: Callable[[], keras.Model]) -> dict[str, tuple[int, ...]]:
    """{path: shape} of the weights of the model that `build()` returns."""
    with abstract_model(build) as model:
        return {weight.path: tuple(weight.shape) for weight in model.weights}


@contextmanager
def abstract_model(build: Callable[[], keras.Model]) -> Iterator[keras.Model]:
    """The model that `build()` returns, for use within the block; none of its weights is allocated."""
    with keras.StatelessScope():
        try:
            model = build()
        except BaseException:
            keras_private.forget_uninitialized()
            raise
        yield model
        forget_weights(model)


def forget_weights(model: keras.Model) -> None:
    """Make the weights of an unused model, created in a `keras.StatelessScope`, scalars when the scope ends."""
    distribution = keras.distribution.distribution()
    for variable in model.variables:
        keras_private.set_initializer(variable, lambda shape, dtype=None: keras.ops.zeros((), dtype))
        if distribution is not None:
            keras_private.set_layout(variable, keras.distribution.TensorLayout((), distribution.device_mesh))
