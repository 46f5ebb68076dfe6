"""Training on JAX: the step that `keras.Model.fit` runs, without Keras's cost on the host."""

from collections.abc import Callable, Iterator

import jax
import keras


class _Untracked:
    """Arrays of a model's state, in an iterable that Keras's tracker does not walk.

    `fit` stores the state of the model in an attribute at each step, and the tracker of attributes walks all lists and
    tuples within: with 640 arrays, those of BERT with 12 layers, that is half the time on the host of a small step.
    """

    def __init__(self, arrays: list):
        self._arrays = arrays

    def __iter__(self) -> Iterator:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def set_train_function(model: keras.Model, batches: int | None = None) -> None:
    """Set the training step of a compiled model: the function that `keras.Model.fit` calls with each batch.

    On JAX it is Keras's own step, compiled, whose state is donated.

    Args:
        batches: of each shape that will be trained, for a backend on which compiling a shape pays only for many; None:
            many.
    """
    steps = []  # made at the first batch, when the optimizer is built

    def run(state, batches):
        state = tuple(list(arrays) for arrays in state)
        if not steps:
            steps.append(_keras_step(model) if keras.distribution.distribution() is None else _sharded(model, state))
            model.train_function = run
        logs, state = steps[0](state, batches)
        return logs, tuple(_Untracked(arrays) for arrays in state)

    model.train_function = run


def _keras_step(model):
    model.make_train_function(force=True)
    return model.train_function


def _sharded(model, state) -> Callable:
    """The compiled step under a `keras.distribution`: each array of the state keeps its sharding.

    Keras would read the shardings from the variables, which have no values within an epoch.
    """
    shardings = jax.tree.map(lambda array: array.sharding, state)
    step = jax.jit(model.train_step, donate_argnums=0, out_shardings=(None, shardings))
    return lambda state, batches: step(state, next(batches))
