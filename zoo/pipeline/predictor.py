"""Batch prediction: records to decisions, with examples in padded batches of few shapes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from zoo import backend
from zoo.backend.shapes import bucket, data_devices, padded_rows, power_of_two
from zoo.data.collate import Collator
from zoo.data.tokenization import in_chunks
from zoo.objectives import Objective
from zoo.text.tokenizer import Tokenizer
from zoo.transforms.per_model import cache_of, per_model

ROWS = 64  # most examples in a batch, on a device
TOKENS = 4096  # most token ids in a batch, on a device: outputs may be as wide as a vocabulary


def predict(
    model: keras.Model,
    objective: Objective,
    tokenizer: Tokenizer,
    records: Iterable[dict[str, Any]],
    during_training: bool = False,
    predict_batch: Callable | None = None,
) -> list[dict[str, Any]]:
    """The objective's decision for each record, in order.

    Args:
        during_training: True for validation in each epoch: objectives may generate fewer texts.
        predict_batch: function of a batch of inputs that is called instead of `zoo.backend.predict_function`.
    """
    run = BatchPredictor(model, objective, tokenizer, during_training, predict_batch)
    return [decision for chunk in in_chunks(records) for decision in objective.predict(run, chunk, tokenizer)]


@per_model
def predict_function(model: keras.Model) -> Callable:
    """The function of `zoo.backend.predict_function` for a model, cached: it is compiled once for each shape."""
    return backend.predict_function(model)


class BatchPredictor:
    """Batch prediction: runs a model on lists of examples for `objective.predict`. Arguments are those of `predict`."""

    def __init__(
        self,
        model: keras.Model,
        objective: Objective,
        tokenizer: Tokenizer,
        during_training: bool = False,
        predict_batch: Callable | None = None,
    ) -> None:
        self.model, self.objective, self.tokenizer = model, objective, tokenizer
        self.during_training, self.predict_batch = during_training, predict_batch

    def __call__(
        self, examples: Sequence[dict[str, Any]], transform: Callable[[keras.Model], keras.Model] | None = None
    ) -> list:
        """The model's outputs for each example: a list of arrays, or of dicts of arrays, padded as their batches.

        Args:
            examples: dicts of 1-D arrays as `objective.examples` yields them.
            transform: returns another model with the same layers, which is run instead.
        """
        if transform:
            model = self._derived(transform, lambda: transform(self.model))
            return self._run(examples, model, predict_function(model))
        return self._run(examples, self.model, self.predict_batch or predict_function(self.model))

    def decisions(self, examples: Sequence[dict[str, Any]]) -> list[dict[str, np.ndarray]]:
        """`objective.decide` of the model's outputs, {name: array}, for each example."""
        return self.decide_rows(self(examples))

    def decide(self, outputs: Any) -> dict[str, np.ndarray]:
        """`objective.decide` of a structure of arrays or tensors, compiled once for their shapes."""
        compiled = self._derived(
            ("decide", repr(self.objective)), lambda: backend.jit(self.objective.decide, (), donate=False)
        )
        outputs = keras.tree.map_structure(keras.ops.convert_to_tensor, outputs)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, compiled(outputs))

    def decide_rows(self, outputs: Sequence) -> list[dict[str, np.ndarray]]:
        """The decision for each output, an array or a dict of arrays; outputs of one shape are decided as one batch."""
        decisions: list[Any] = [None] * len(outputs)
        for indices in _by_shape(outputs):
            rows = [outputs[i] for i in indices]
            rows += rows[-1:] * (power_of_two(len(rows)) - len(rows))
            arrays = self.decide(_stack(rows))
            for row, i in enumerate(indices):
                decisions[i] = _row(arrays, row)
        return decisions

    def _run(self, examples, model, predict_batch):
        outputs: list[Any] = [None] * len(examples)
        collator = Collator.for_model(model, self.objective, self.tokenizer, examples[0] if examples else ())
        sizes = np.array([collator.sizes(example) for example in examples])
        for indices, shape in _batches(sizes, self.objective.length):
            batch = collator.pad([examples[i] for i in indices], shape)
            arrays = _predict_padded(predict_batch, model.input, batch)
            for row, i in enumerate(indices):
                outputs[i] = _row(arrays, row)
        return outputs

    def generate(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        """The new ids for each of a list of prompts, without the end id.

        Decoding has the generation defaults of the objective, such as beams, without sampling; during training it is
        greedy. Rows are as of `zoo.generation.generate.prompts_of`: `tokens`, or `source` and optionally `target`.
        """
        from zoo.generation.defaults import config_of
        from zoo.generation.generate import generate, prompts_of

        fixed = {"temperature": 0.0, "return_sequences": 1, "stop_ids": self.tokenizer.stop_ids, "fit_context": True}
        config = config_of(self.objective, fixed, defaults=not self.during_training)
        return [completion.ids for (completion,) in generate(self.model, *prompts_of(rows, self.tokenizer), config)]

    def _derived(self, key, make):
        """The result of `make()`, cached for the model under `key`: all predictors share it, so it is compiled once."""
        derived = cache_of(self.model)
        if key not in derived:
            derived[key] = make()
        return derived[key]


def _by_shape(outputs):
    """Lists of indices of the outputs that have the same shapes."""
    groups = {}
    for i, output in enumerate(outputs):
        key = tuple(part.shape for part in output.values()) if isinstance(output, dict) else output.shape
        groups.setdefault(key, []).append(i)
    return groups.values()


def _stack(rows):
    """A batch: arrays, or dicts of arrays, stacked along a new first axis."""
    if isinstance(rows[0], dict):
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return np.stack(rows)


def _row(arrays, row):
    """A row of an array, or of each array of a dict."""
    return {name: array[row] for name, array in arrays.items()} if isinstance(arrays, dict) else arrays[row]


def _batches(sizes, max_length):
    """Yield (example indices, padded length of each input) of examples of about the same size, longest first."""
    order, devices = sorted(range(len(sizes)), key=lambda i: tuple(-sizes[i])), data_devices()
    while order:
        shape = bucket(sizes[order[: ROWS * devices]].max(axis=0), max_length)
        count = max(1, min(ROWS, TOKENS // int(shape.max()))) * devices
        indices, order = order[:count], order[count:]
        yield indices, bucket(sizes[indices].max(axis=0), max_length)


def _predict_padded(predict_batch, names, batch):
    """Outputs of a batch whose rows are padded, so that few shapes are compiled and devices have as many rows each."""
    count = len(next(iter(batch.values())))
    rows = padded_rows(count)
    inputs = {name: np.pad(batch[name], np.array([(0, rows - count), (0, 0)]), mode="edge") for name in names}
    return keras.tree.map_structure(lambda y: keras.ops.convert_to_numpy(y)[:count], predict_batch(inputs))
