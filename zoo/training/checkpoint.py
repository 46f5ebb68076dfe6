"""All that a run needs in order to go on as if nothing had happened: one npz file, whole or absent."""

import json

import keras
import numpy as np

from zoo import backend
from zoo.files import whole_file


def save(path, model, progress, best):
    """Write weights, optimizer, random states, the best weights so far and `progress`.

    Args:
        progress: JSON-able dict (epochs done, history, ...).
        best: list of arrays, or None.
    """
    arrays = {f"model/{i}": value for i, value in enumerate(values(model.variables))}
    arrays |= {f"optimizer/{i}": value for i, value in enumerate(values(model.optimizer.variables))}
    arrays |= {f"best/{i}": value for i, value in enumerate(best or [])}
    arrays |= {f"random/{name}": value for name, value in backend.random_state().items()}
    with whole_file(path) as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)


def restore(path, model):
    """Put everything back; returns `(progress, best)`.

    Raises ValueError where the file is truncated or belongs to another network.
    """
    try:
        with np.load(path) as file:
            arrays = dict(file)
        assign(model.variables, _group(arrays, "model"))
        assign(model.optimizer.variables, _group(arrays, "optimizer"))
        progress = json.loads(str(arrays["progress"]))
    except Exception as error:
        raise ValueError(f"{path} is not a whole checkpoint of this model ({error}). Start again with --fresh.") from error
    backend.set_random_state({name.removeprefix("random/"): arrays[name] for name in arrays if name.startswith("random/")})
    return progress, _group(arrays, "best") or None


def values(variables):
    """NumPy copies of Keras variables."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables, arrays):
    """Set Keras variables from arrays of the same number and shapes."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _group(arrays, name):
    count = sum(key.startswith(f"{name}/") for key in arrays)
    return [arrays[f"{name}/{i}"] for i in range(count)]
