"""All that a run needs in order to go on as if nothing had happened: one npz file, whole or absent."""

import json
import zipfile

import keras
import numpy as np

from zoo import backend
from zoo.runtime.files import whole_file


def save(path, progress, variables, optimizer, best):
    """Write values of variables, the random states, the best values so far and `progress`.

    Args:
        progress: JSON-able dict (epochs done, history, ...).
        variables: of the model.
        optimizer: the optimizer's variables.
        best: list of arrays, one for each of the model's variables, or None.
    """
    arrays = {f"model/{i}": value for i, value in enumerate(values(variables))}
    arrays |= {f"optimizer/{i}": value for i, value in enumerate(values(optimizer))}
    arrays |= {f"best/{i}": value for i, value in enumerate(best or [])}
    arrays |= {f"random/{name}": value for name, value in backend.random_state().items()}
    with whole_file(path) as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)


def together(*models):
    """The variables of several models, each once."""
    return list({id(variable): variable for model in models for variable in model.variables}.values())


class Checkpoint:
    """A checkpoint read back: `progress`, the `best` weights, and the rest for `put_into`.

    Raises ValueError where the file is truncated.
    """

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as file, np.load(file) as arrays:
                self.arrays = dict(arrays)
            self.progress = json.loads(str(self.arrays["progress"]))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a whole checkpoint ({error}). Start again with --fresh.") from error
        self.best = self._list("best") or None

    def put_into(self, variables, model):
        """Give a model's variables, the random states, and the optimizer of a compiled model where one is given, back.

        Raises ValueError where the checkpoint is of another network.
        """
        if model and not model.optimizer.built:  # one that scales the loss, on TensorFlow
            model.optimizer.build(model.trainable_variables)
        try:
            assign(variables, self._list("model"))
            if model:
                assign(model.optimizer.variables, self._list("optimizer"))
        except ValueError as error:
            raise ValueError(f"{self.path} belongs to another network ({error}). Start again with --fresh.") from error
        random = (name for name in self.arrays if name.startswith("random/"))
        backend.set_random_state({name.removeprefix("random/"): self.arrays[name] for name in random})

    def _list(self, name):
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{i}"] for i in range(count)]


def values(variables):
    """NumPy copies of Keras variables."""
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def assign(variables, arrays):
    """Set Keras variables from arrays of the same number and shapes."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
