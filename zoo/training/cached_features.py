"""What the frozen part of a network makes of its examples: computed once, kept on disk, read instead of computed.

`lower` and `upper` are the two parts that `zoo.transforms.frozen.cut` makes of a model. As `lower` never changes, its outputs
may be kept for as long as they lie beside one run.
"""

import hashlib

import keras
import numpy as np

from zoo.data.examples import ArrayStore, write
from zoo.pipeline.predictor import BatchPredictor
from zoo.runtime.files import whole_file

CHUNK = 1024  # examples whose features are held in memory at once


class CachedFeatures:
    """Examples as `zoo.data.examples.Examples` are, each with what `lower` makes of it.

    Args:
        folder: where features are, or are to be written.
    """

    def __init__(self, examples, lower, objective, tokenizer, folder):
        self.examples, self.frame, self.lower = examples, examples.frame, lower
        if not folder.is_dir():
            write(folder, self._computed(BatchPredictor(lower, objective, tokenizer)))
        self.rows = ArrayStore(folder)

    def __len__(self):
        return len(self.examples)

    @property
    def used(self):
        """As of `Examples`."""
        return self.examples.used

    def shapes(self, longest):
        """As of `Examples`."""
        return self.examples.shapes(longest)

    def batch(self, indices, shape):
        """As of `Examples`, with a (rows, ...) array for each tensor; zeros stand where a text has no token."""
        kept = {name: self._padded(name, tensor.shape, indices, shape[0]) for name, tensor in self.lower.output.items()}
        return self.examples.batch(indices, shape) | kept

    def _padded(self, name, shape, indices, time):
        rows = [self.rows.row(name, i) for i in indices]
        if len(shape) == 1 or shape[1] is not None:
            return np.stack([row.reshape(shape[1:]) for row in rows])
        array = np.zeros((len(rows), time, *shape[2:]), rows[0].dtype)
        for place, row in zip(array, rows, strict=True):
            row = row.reshape(-1, *shape[2:])
            place[: len(row)] = row
        return array

    def _computed(self, runner):
        """Yield {name: 1-D array} for each example."""
        names = [name for name in self.frame.inputs if name in self.examples.values]
        for start in range(0, len(self), CHUNK):
            numbers = range(start, min(start + CHUNK, len(self)))
            found = runner([{name: self.examples.row(name, i) for name in names} for i in numbers])
            for i, features in zip(numbers, found, strict=True):
                yield {name: self._trimmed(name, array, i) for name, array in features.items()}

    def _trimmed(self, name, array, index):
        timed = len(self.lower.output[name].shape) > 1 and self.lower.output[name].shape[1] is None
        return plain(array[: self.examples.sizes[index, 0]] if timed else array).reshape(-1)


class CachedPredictor:
    """Answers a batch as the model does that was cut, and computes the frozen part once for each batch it has met.

    It stands in place of `keras.Model.predict_on_batch`; `folder` is where features are kept.
    """

    def __init__(self, lower, upper, folder):
        self.lower, self.upper, self.folder = lower, upper, folder
        folder.mkdir(exist_ok=True)

    def __call__(self, inputs):
        path = self.folder / f"{_digest(inputs)}.npz"
        if not path.is_file():
            features = self.lower.predict_on_batch({name: inputs[name] for name in self.lower.input})
            with whole_file(path) as file:
                np.savez(file, **{name: plain(array) for name, array in features.items()})
        with np.load(path) as kept:
            tensors = inputs | dict(kept)
        return self.upper.predict_on_batch({name: tensors[name] for name in self.upper.input})


def _digest(inputs):
    digest = hashlib.sha256()
    for name, array in sorted(inputs.items()):
        digest.update(f"{name} {array.shape} {array.dtype}".encode() + array.tobytes())
    return digest.hexdigest()


def plain(array):
    """An array of a type that NumPy can write: half precision becomes single."""
    array = keras.ops.convert_to_numpy(array)
    return array if array.dtype.kind in "biu" else array.astype("float32")
