"""Batch inference with a SavedModel in plain TensorFlow: parts of files to rows with their answers."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.columns import column_values
from zoo.pipeline.prediction_chunk import EncodedChunk
from zoo.pipeline.prediction_formats import FORMATS
from zoo.runtime.errors import UserError, did_you_mean, user_message
from zoo.serving.ray.file_parts import FilePart
from zoo.serving.ray.row_answers import RowAnswers
from zoo.serving.serving_error import ServingError
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel
from zoo.serving.versions.tensorflow_import import import_tensorflow

ROWS = 64  # of a call, of about the same length

Batch = dict[str, Any]  # of Ray Data: a list of each column


class PartPredictor:
    """A SavedModel that is loaded once and predicts parts of files: the class that Ray Data runs in its actors.

    Args:
        folder: of the SavedModel.
        suffix: of the prediction file.
        columns: {input of the signature: column}; default: the input's own name.
    """

    def __init__(self, folder: str, suffix: str, columns: Mapping[str, str]):
        import_tensorflow()
        self._model = LoadedModel("model", 1, Path(folder))
        self._inputs = list(self._model.signature().inputs)
        self._columns = {name: columns.get(name, name) for name in self._inputs}
        self._format = FORMATS[suffix](RowAnswers())

    def __call__(self, batch: Batch) -> Batch:
        """A batch {"part": [pickled `FilePart`]} as {"result": [a pickled `EncodedChunk`, or the line of an error]}."""
        return {"result": [self._result(part) for part in batch["part"]]}

    def _result(self, part):
        try:
            return pickle.dumps(self.encode(pickle.loads(part)))
        except (ServingError, UserError, OSError) as error:
            return pickle.dumps(user_message(error) or str(error))

    def encode(self, part: FilePart) -> EncodedChunk:
        """The rows of a part with their answers. Raises UserError for an unsuitable row."""
        rows = list(part.rows())
        texts = [self._texts(row, part) for row in rows]
        answers: list[Any] = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda i: -sum(map(len, texts[i])))
        for start in range(0, len(order), ROWS):
            indices = order[start : start + ROWS]
            for i, answer in zip(indices, self._answers([texts[i] for i in indices]), strict=True):
                answers[i] = answer
        content = self._format.encode(zip(rows, answers, strict=True))
        return EncodedChunk(content, len(rows), 0, len(rows), {})

    def _texts(self, row, part):
        texts = []
        for name, column in self._columns.items():
            try:
                values = column_values(row, column)
            except KeyError:
                raise UserError(
                    f"Expected a column {column!r} in {part.path}, for the input {name}.{did_you_mean(column, row)} "
                    f"Received: {', '.join(row)}. Map it by --columns {name}=NAME."
                ) from None
            texts.append("\n".join("" if value is None else str(value) for value in values).encode("utf-8", "replace"))
        return texts

    def _answers(self, texts):
        """The outputs of each of some rows, as Python values."""
        inputs = {
            name: np.array(column, object) for name, column in zip(self._inputs, zip(*texts, strict=True), strict=True)
        }
        outputs = {name: _to_python(array) for name, array in self._model.run(DEFAULT_SIGNATURE, inputs).items()}
        return [{name: values[row] for name, values in outputs.items()} for row in range(len(texts))]


def _to_python(array):
    values = array.tolist()
    return _decoded(values) if array.dtype == object else values


def _decoded(value):
    return [_decoded(item) for item in value] if isinstance(value, list) else value.decode("utf-8", "replace")
