"""Cached features: outputs of the frozen part of a network, computed once and kept on disk.

`lower` and `upper` are the two parts, frozen and trainable, that `zoo.transforms.frozen.split_frozen` returns.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.data.examples import ArrayStore, Examples, is_intact, save
from zoo.objectives import Objective
from zoo.pipeline.predictor import BatchPredictor
from zoo.runtime.files import atomic_file
from zoo.text.tokenizer import Tokenizer

CHUNK = 1024  # examples whose features are in memory at a time


class CachedFeatures:
    """Tokenised examples with cached features of the frozen part, in the form of `zoo.data.examples.Examples`.

    Args:
        examples: tokenised.
        lower: the frozen part of the model; unused where `folder` is intact.
        folder: of the features; written if missing or damaged.
    """

    def __init__(
        self, examples: Examples, lower: keras.Model, objective: Objective, tokenizer: Tokenizer, folder: Path
    ) -> None:
        self.examples, self.collator, self.lower = examples, examples.collator, lower
        if not is_intact(folder):
            save(folder, self._computed(BatchPredictor(lower, objective, tokenizer)), folder.exists())
        self.rows = ArrayStore(folder)

    def __len__(self):
        return len(self.examples)

    @property
    def lengths(self) -> np.ndarray:
        """Lengths in tokens, as of `Examples`."""
        return self.examples.lengths

    def shapes(self, longest: int) -> np.ndarray:
        """Padded shapes, as `Examples.shapes`."""
        return self.examples.shapes(longest)

    def batch(self, indices: Sequence[int], shape: Sequence[int]) -> dict[str, np.ndarray]:
        """A padded batch, as `Examples.batch`, with a (rows, ...) array for each feature; padding is 0."""
        features = {
            name: self._padded(name, tensor.shape, indices, shape[0]) for name, tensor in self.lower.output.items()
        }
        return self.examples.batch(indices, shape) | features

    def _padded(self, name, shape, indices, time):
        rows = [self.rows.row(name, i) for i in indices]
        if len(shape) == 1 or shape[1] is not None:
            return np.stack([row.reshape(shape[1:]) for row in rows])
        array = np.zeros((len(rows), time, *shape[2:]), rows[0].dtype)
        for out, row in zip(array, rows, strict=True):
            row = row.reshape(-1, *shape[2:])
            out[: len(row)] = row
        return array

    def _computed(self, predict) -> Iterator[dict[str, np.ndarray]]:
        """Yield {name: 1-D array} for each example."""
        names = [name for name in self.collator.inputs if name in self.examples.values]
        for start in range(0, len(self), CHUNK):
            indices = range(start, min(start + CHUNK, len(self)))
            outputs = predict([{name: self.examples.row(name, i) for name in names} for i in indices])
            for i, features in zip(indices, outputs, strict=True):
                yield {name: self._trimmed(name, array, i) for name, array in features.items()}

    def _trimmed(self, name, array, index):
        """The features of an example without its padding, as a 1-D array."""
        shape = self.lower.output[name].shape
        has_time = len(shape) > 1 and shape[1] is None
        return to_numpy(array[: self.examples.sizes[index, 0]] if has_time else array).reshape(-1)


class CachedPredictor:
    """`predict_on_batch` of a model in two parts, with cached features of the frozen part for each batch.

    Args:
        lower: the frozen part.
        upper: the trainable part.
        folder: of the features.
    """

    def __init__(self, lower: keras.Model, upper: keras.Model, folder: Path) -> None:
        self.lower, self.upper, self.folder = lower, upper, folder
        folder.mkdir(exist_ok=True)

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Any:
        path = self.folder / f"{_digest(inputs)}.npz"
        features = _read_arrays(path)
        if features is None:
            outputs = self.lower.predict_on_batch({name: inputs[name] for name in self.lower.input})
            arrays: dict[str, Any] = {name: to_numpy(array) for name, array in outputs.items()}
            with atomic_file(path) as file:
                np.savez(file, **arrays)
            features = arrays
        tensors = {**inputs, **features}
        return self.upper.predict_on_batch({name: tensors[name] for name in self.upper.input})


def _read_arrays(path) -> dict[str, Any] | None:
    """The arrays of an npz file; None where it is missing or damaged."""
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _digest(inputs):
    digest = hashlib.sha256()
    for name, array in sorted(inputs.items()):
        digest.update(f"{name} {array.shape} {array.dtype}".encode() + array.tobytes())
    return digest.hexdigest()


def to_numpy(array) -> np.ndarray:
    """A tensor as a NumPy array: floats as float32, because npz files have no bfloat16."""
    array = keras.ops.convert_to_numpy(array)
    return array if array.dtype.kind in "biu" else array.astype("float32")
