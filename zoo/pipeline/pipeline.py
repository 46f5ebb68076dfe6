"""The pipeline: a trained model with its tokenizer and objective, from raw text to answers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import config
from zoo.backend.keras_private import without_tensorflow
from zoo.data.opening import open_dataset
from zoo.data.tokenization import in_chunks
from zoo.data.training_rows import no_rows
from zoo.objectives import Objective
from zoo.pipeline import summary
from zoo.pipeline.digests import save_digests
from zoo.pipeline.evaluation import EvaluationMethods, Scores
from zoo.pipeline.explain_methods import ExplainMethods
from zoo.pipeline.export_methods import ExportMethods
from zoo.pipeline.generation_methods import GenerationMethods
from zoo.pipeline.predictor import predict
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.pipeline.unread_columns import report_unread
from zoo.presets import Preset
from zoo.readers.memory import DataInMemory, is_record, is_table, to_spec
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file, write_text
from zoo.text.tokenizer import Tokenizer
from zoo.text.tokenizer_settings import CONFIG

Text = str | tuple[str, ...]  # a text, or a tuple of texts, one for each input of the objective
TRAINING_ROWS = "training_rows.npy"  # hashes of the training records, in a model folder
SAVED = ("model.keras", "tokenizer.json", CONFIG, "preset.json", "scores.json", "baselines.json", TRAINING_ROWS)


@dataclass(repr=False)
class Pipeline(EvaluationMethods, GenerationMethods, ExplainMethods, ExportMethods):
    """A pipeline: a trained model with its preset, tokenizer and scores, as `zoo.train` and `zoo.load` return it.

    Args:
        model: the network with the objective's head.
        preset: the experiment as resolved by training: with labels, vocabulary and threshold.
        tokenizer: of the model's texts.
        scores: {split: {metric: value}}, measured after training.
        weight_type: "float32"; "bfloat16" and "int8" are for inference only: see `quantize` of `zoo.load`.
        folder: the model folder that it was saved in or loaded from; None: it has none.

    >>> pipeline = zoo.load("my_model")
    >>> pipeline
    Pipeline(objective=classify_text, architecture=averaging, labels=2, test accuracy=..., folder='my_model')
    >>> len(pipeline.history)
    8

    A notebook shows a pipeline as a table of its scores with its learning curves.
    """

    model: keras.Model
    preset: Preset  # as resolved by training: with labels, vocabulary and threshold
    tokenizer: Tokenizer
    scores: dict[str, Scores] = field(default_factory=dict)  # by split, measured after training
    weight_type: str = "float32"  # "bfloat16" and "int8" are for inference only: see `quantize` of `zoo.load`
    folder: Path | None = None  # the model folder that it was saved in or loaded from
    baselines: dict[str, ScoreComparison] = field(default_factory=dict)  # by split: what its score is worth
    training_rows: np.ndarray = field(default_factory=no_rows, compare=False)  # of `zoo.data.training_rows`

    def __repr__(self) -> str:
        return summary.describe(self)

    def _repr_html_(self) -> str:
        return summary.to_html(self)

    @property
    def history(self) -> list[dict[str, float]]:
        """The history of the training run, a dict for each validation, from history.csv; [] without one.

        Keys: epoch, batch, loss, val_NAME of each validation score, learning_rate, seconds.
        """
        return summary.read_history(self.folder)

    @property
    def objective(self) -> Objective:
        """The task of the model."""
        return self.preset.objective

    def predict(self, texts: Text | Sequence[Text] | DataInMemory, columns: Mapping[str, str] | None = None) -> Any:
        """The answer for a text, or a list of answers for a list of texts; the objective's `answer` describes it.

        Args:
            texts: a text, a tuple of texts for a task with several inputs, such as (question, context), or a dict of
                them by name; a list of these; or a data frame and the like, with a column for each input: see
                `zoo.readers.memory`.
            columns: {standard field: column} of data in memory; default: the names of the training data where it has
                them, else the standard names.

        >>> answers = zoo.load("my_model").predict(["a great film", "an awful story"])
        >>> " ".join(answer["label"] for answer in answers)
        'good bad'

        Raises UserError for another number of texts than the task has inputs, and for what is no text.
        """
        single = isinstance(texts, str | tuple) or is_record(texts)
        rows: Any = [texts] if single else list(texts) if isinstance(texts, Iterator) else texts
        records = self.records_of(rows, columns) if is_table(rows) else self.objective.fields.records(rows)
        answers = [answer for _, answer in self.stream(records)]
        return answers[0] if single else answers

    def stream(self, records: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield (record, answer) for each record, predicted in chunks: memory holds one chunk of records."""
        for chunk in in_chunks(records):
            yield from zip(chunk, self.answers(chunk), strict=True)

    def answers(self, records: Sequence[dict[str, Any]]) -> list[Any]:
        """The answer for each record."""
        decisions = predict(self.model, self.objective, self.tokenizer, records)
        return [self.objective.answer(decision, record) for record, decision in zip(records, decisions, strict=True)]

    def records_of(
        self, data: str | Path | DataInMemory, columns: Mapping[str, str] | None = None, errors: str = "strict"
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a dataset, without labels: only the objective's inputs are required.

        Args:
            data: a dataset spec, or data in memory: see `zoo.open_dataset`.
            columns: {standard field: the data's name for it}; default: the names of the training data.
            errors: "strict", or "replace" to read invalid UTF-8 with replacement characters.
        """
        return (record for _, record in self.rows_of(data, columns, errors))

    def rows_of(
        self, data: str | Path | DataInMemory, columns: Mapping[str, str] | None = None, errors: str = "strict"
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield (row, record): the records of `records_of`, each with its row of all columns, {column: value}."""
        spec, inputs = to_spec(data), self.objective.fields.inputs
        columns = self._columns_of(spec, columns, errors, inputs)
        dataset = open_dataset(spec, columns, errors=errors, required=inputs, split_strategy="")
        for number, (row, record) in enumerate(chain.from_iterable(map(dataset.rows_and_records, dataset.splits))):
            if number == 0:
                report_unread(self.objective, row, record)
            yield row, record

    def save(self, folder: str | Path) -> None:
        """Write model, preset, tokenizer, scores, baselines and their digests into an existing folder, for `zoo.load`.

        Raises UserError for a pipeline with quantized weights.
        """
        self.check_weight_type()
        folder = Path(folder)
        with without_tensorflow():
            keras.Model(self.model.input, self.model.output).save(folder / "model.keras")  # without the optimizer
        for name in (CONFIG, TRAINING_ROWS):  # which not every model has: those of a model saved here before
            (folder / name).unlink(missing_ok=True)
        self.save_settings(folder)
        baselines = {split: asdict(comparison) for split, comparison in self.baselines.items()}
        write_text(folder / "baselines.json", json.dumps(baselines, indent=2) + "\n")
        if len(self.training_rows):
            with atomic_file(folder / TRAINING_ROWS) as file:
                np.save(file, self.training_rows)
        save_digests(folder, SAVED)

    def save_settings(self, folder: Path) -> None:
        """Write preset, tokenizer and scores into an existing folder."""
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
