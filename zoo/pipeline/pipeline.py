"""The pipeline: a trained model with its tokenizer and objective, from raw text to answers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import config
from zoo.data.columns import has_column
from zoo.data.opening import first_row, open_dataset
from zoo.data.tokenization import in_chunks
from zoo.objectives import Objective
from zoo.pipeline import scoring
from zoo.pipeline.generation_methods import GenerationMethods
from zoo.pipeline.predictor import predict
from zoo.presets import Preset
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError, one_of
from zoo.runtime.files import write_text
from zoo.text.tokenizer import Tokenizer

Text = str | tuple[str, ...]  # a text, or a tuple of texts, one for each input of the objective
Scores = dict[str, float]  # metric -> value


@dataclass
class Pipeline(GenerationMethods):
    """A pipeline: a trained model with its preset, tokenizer and scores, as `zoo.train` and `zoo.load` return it."""

    model: keras.Model
    preset: Preset  # as resolved by training: with labels, vocabulary and threshold
    tokenizer: Tokenizer
    scores: dict[str, Scores] = field(default_factory=dict)  # by split, measured after training
    weight_type: str = "float32"  # "bfloat16" and "int8" are for inference only: see `quantize` of `zoo.load`

    @property
    def objective(self) -> Objective:
        """The task of the model."""
        return self.preset.objective

    def predict(self, texts: Text | Sequence[Text]) -> Any:
        """The answer for a text, or a list of answers for a list of texts; the objective's `answer` describes it.

        Args:
            texts: a text, or a tuple of texts for a task with several inputs, such as (question, context); or a list.

        Raises UserError for another number of texts than the task has inputs.
        """
        single = isinstance(texts, str | tuple)
        rows: Any = [texts] if single else texts
        records = [self.objective.fields.record(text) for text in rows]
        answers = [answer for _, answer in self.stream(records)]
        return answers[0] if single else answers

    def stream(self, records: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield (record, answer) for each record, predicted in chunks: memory holds one chunk of records."""
        for chunk in in_chunks(records):
            decisions = predict(self.model, self.objective, self.tokenizer, chunk)
            for record, decision in zip(chunk, decisions, strict=True):
                yield record, self.objective.answer(decision, record)

    def records_of(
        self, data: str | Path, columns: Mapping[str, str] | None = None, errors: str = "strict"
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a dataset, without labels: only the objective's inputs are required.

        Args:
            data: a dataset spec: see `zoo.open_dataset`.
            columns: {standard field: the data's name for it}; default: the names of the training data.
            errors: "strict", or "replace" to read invalid UTF-8 with replacement characters.
        """
        inputs = self.objective.fields.inputs
        columns = self._columns_of(data, columns, errors, inputs)
        dataset = open_dataset(data, columns, errors=errors, required=inputs, split_strategy="")
        for split in dataset.splits:
            yield from dataset.records(split)

    def evaluate(
        self,
        data: str | Path = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> Scores:
        """Exact scores on a dataset.

        Args:
            data: a dataset spec; "": the data that the model was trained on.
            split: "": the dataset's test split, else its last one. A file without splits is one split.
            columns, errors: as of `records_of`.
            skip_invalid: leave out, and count, rows that cannot be used.

        Raises UserError for data that does not fit the model, such as an unknown label.
        """
        return self.scores_and_tables(data, split, columns, errors, skip_invalid)[0]

    def scores_and_tables(
        self,
        data: str | Path = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> tuple[Scores, list[dict[str, Any]], np.ndarray | None]:
        """`(scores, scores per class, confusion matrix)` on a dataset; arguments are those of `evaluate`."""
        records = self.load_split(data, split, columns, errors, skip_invalid)
        decisions = predict(self.model, self.objective, self.tokenizer, records)
        return scoring.scores_and_tables(self.objective, decisions, records)

    def load_split(
        self,
        data: str | Path = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> list[dict[str, Any]]:
        """The records of one split, checked against the labels of the model; arguments are those of `evaluate`."""
        source, fields = self.preset.data, self.objective.fields
        strategy = "" if data else self.objective.split_strategy
        check = self.objective.check_record if skip_invalid or (not data and source.skip_invalid) else None
        options = source.seed, errors, fields.required, strategy, fields.optional, check is not None, check
        columns = self._columns_of(data, columns, errors, fields.train) if data else columns or source.columns
        dataset = open_dataset(data or source.spec, columns, *options)
        split = split or ("test" if "test" in dataset.splits else dataset.splits[-1])
        preparation, records = self.objective.preparation(self.preset.architecture), []
        for location, record in dataset.located_records(split):
            preparation.add(split, location, record)
            records.append(record)
        preparation.finish(dataset.describe)
        return records

    def _columns_of(self, data, columns, errors, fields):
        """The user's columns or, of the training data's columns for `fields`, those that the data has.

        Raises UserError for a field that the objective does not read.
        """
        if columns:
            self.objective.fields.check_columns(columns, also=self.objective.fields.inputs)
            return columns
        trained = {field: name for field, name in self.preset.data.columns.items() if field in fields}
        row = first_row(data, errors) if trained else {}
        return {field: name for field, name in trained.items() if has_column(row, name) or field not in row}

    def export(self, folder: str | Path, format: str = "saved_model") -> Path:
        """Write a SavedModel that takes raw strings, or a folder for Hugging Face transformers. Returns the folder.

        Args:
            folder: a new folder.
            format: "saved_model", see `zoo.export.saved_model.export`, or "huggingface", see
                `zoo.checkpoints.hf_export.write_huggingface`.
        """
        from zoo.checkpoints.hf_export import write_huggingface
        from zoo.export.saved_model import export

        self.check_weight_type()
        writers = {"saved_model": export, "huggingface": write_huggingface}
        return writers[one_of("format", format, writers)](self, folder)

    def save(self, folder: str | Path) -> None:
        """Write model, preset, tokenizer and scores into an existing folder, for `zoo.load`.

        Raises UserError for a pipeline with quantized weights.
        """
        self.check_weight_type()
        folder = Path(folder)
        with silence():  # Keras imports TensorFlow here, if it is installed
            keras.Model(self.model.input, self.model.output).save(folder / "model.keras")  # without the optimizer
        self.tokenizer.save(folder / "tokenizer.json")
        write_text(folder / "preset.json", config.to_json(self.preset))
        write_text(folder / "scores.json", json.dumps(self.scores, indent=2) + "\n")

    def check_weight_type(self) -> None:
        """Raise UserError for quantized weights, which are neither saved nor exported."""
        if self.weight_type != "float32":
            raise UserError(
                "Expected weights as they were trained, to save or export them. "
                f"Received: a model loaded with quantize={self.weight_type}."
            )
