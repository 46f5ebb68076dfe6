"""Training on JAX: the step that `keras.Model.fit` runs, without Keras's cost on the host."""

from collections.abc import Iterator

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
    steps = []  # Keras makes it at the first batch, when the optimizer is built

    def run(state, batches):
        if not steps:
            model.make_train_function(force=True)
            steps.append(model.train_function)
            model.train_function = run
        logs, state = steps[0](tuple(list(arrays) for arrays in state), batches)
        return logs, tuple(_Untracked(arrays) for arrays in state)

    model.train_function = run
