"""Checkpoints of a run: one npz file, written atomically, from which a run resumes to the same weights."""

import json
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import backend
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file


def save(
    path: Path,
    progress: dict,
    variables: Iterable[keras.Variable],
    optimizer: Iterable[keras.Variable],
    best: Sequence[np.ndarray] | None,
) -> None:
    """Write the values of variables, the random states, the best values so far and `progress`.

    Args:
        progress: JSON-able dict (epochs done, history, ...).
        variables: of the model.
        optimizer: the optimizer's variables.
        best: an array for each of `variables`, or None.
    """
    arrays: dict[str, Any] = {f"model/{i}": value for i, value in enumerate(values(variables))}
    arrays |= {f"optimizer/{i}": value for i, value in enumerate(values(optimizer))}
    arrays |= {f"best/{i}": value for i, value in enumerate(best or [])}
    arrays |= {f"random/{name}": value for name, value in backend.random_state().items()}
    with atomic_file(path) as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)


def unique_variables(*models: keras.Model) -> list[keras.Variable]:
    """The variables of several models, each once."""
    return list({id(variable): variable for model in models for variable in model.variables}.values())


class Checkpoint:
    """A checkpoint read back: `progress`, the best weights, and all other state for `restore`.

    Raises UserError where the file is truncated.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as file, np.load(file) as arrays:
                self.arrays = dict(arrays)
            self.progress = json.loads(str(self.arrays["progress"]))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is not a complete checkpoint ({error}). Start again with --restart.") from error

    def best(self, variables: Sequence[keras.Variable]) -> list[np.ndarray] | None:
        """The best weights so far, an array for each of `variables`; None: there are none."""
        return self._arrays_of("best") or None

    def restore(self, variables: Sequence[keras.Variable], model: keras.Model | None) -> None:
        """Assign the saved values to `variables`, the random states and, if any, the optimizer of a compiled `model`.

        Raises UserError where the checkpoint belongs to another network.
        """
        if model and not model.optimizer.built:  # the optimizer that scales the loss, on TensorFlow
            model.optimizer.build(model.trainable_variables)
        try:
            assign(variables, self._arrays_of("model"))
            if model:
                assign(model.optimizer.variables, self._arrays_of("optimizer"))
        except ValueError as error:
            raise UserError(f"{self.path} belongs to another network ({error}). Start again with --restart.") from error
        random = (name for name in self.arrays if name.startswith("random/"))
        backend.set_random_state({name.removeprefix("random/"): self.arrays[name] for name in random})

    def _arrays_of(self, name):
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{i}"] for i in range(count)]


values = backend.snapshot  # copies of the values of variables


def assign(variables: Iterable[keras.Variable], arrays: Iterable[np.ndarray]) -> None:
    """Set Keras variables from arrays of the same number and shapes. Raises ValueError where these differ."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
