"""Evaluation of a pipeline on a dataset: `evaluate`, the tables of its scores, and the records that are scored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import has_column
from zoo.data.opening import first_row, open_dataset
from zoo.pipeline import evaluation_data, scoring
from zoo.pipeline.predictor import predict
from zoo.pipeline.score_comparison import ScoreComparison, compare
from zoo.pipeline.unread_columns import report_unread
from zoo.readers.memory import DataInMemory, to_spec

if TYPE_CHECKING:
    import keras

    from zoo.presets import Preset
    from zoo.text.tokenizer import Tokenizer

Scores = dict[str, float]  # metric -> value


class EvaluationMethods:
    """The methods of a `Pipeline` that score it on labelled records."""

    if TYPE_CHECKING:
        model: keras.Model
        preset: Preset
        tokenizer: Tokenizer
        baselines: dict[str, ScoreComparison]
        training_rows: np.ndarray

        @property
        def objective(self) -> Any: ...

    def evaluate(
        self,
        data: str | Path | DataInMemory = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> Scores:
        """Exact scores on a dataset.

        Args:
            data: a dataset spec, or data in memory; "": the data that the model was trained on.
            split: "": the dataset's test split, else its last one. A file without splits is one split.
            columns, errors: as of `records_of`.
            skip_invalid: leave out, and count, rows that cannot be used.

        >>> zoo.load("my_model").evaluate("reviews/test.tsv")["accuracy"] > 0.9
        True

        Raises UserError for data that does not fit the model, such as labels none of which the model knows.
        """
        return self.scores_and_tables(data, split, columns, errors, skip_invalid)[0]

    def scores_and_tables(
        self,
        data: str | Path | DataInMemory = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> tuple[Scores, list[dict[str, Any]], np.ndarray | None, ScoreComparison]:
        """`(scores, scores per class, confusion matrix, comparison)` on a dataset; arguments are those of `evaluate`.

        The comparison has the baselines of training where these are of the same records.
        """
        records, source = self._split_and_source(data, split, columns, errors, skip_invalid)
        decisions = predict(self.model, self.objective, self.tokenizer, records)
        scores, per_class, confusion_matrix = scoring.scores_and_tables(self.objective, decisions, records)
        comparison = compare(self.objective, decisions, records, scores, source, self.baselines.values())
        return scores, per_class, confusion_matrix, comparison

    def load_split(
        self,
        data: str | Path | DataInMemory = "",
        split: str = "",
        columns: Mapping[str, str] | None = None,
        errors: str = "strict",
        skip_invalid: bool = False,
    ) -> list[dict[str, Any]]:
        """The records of one split, checked against the labels of the model; arguments are those of `evaluate`.

        Which records these are, and how many of them are training rows, is printed. Missing splits of the training data
        are derived as in training.
        """
        return self._split_and_source(data, split, columns, errors, skip_invalid)[0]

    def _split_and_source(self, data, split, columns, errors, skip_invalid):
        """(records of one split, their source: `Dataset.describe`)."""
        source, fields = self.preset.data, self.objective.fields
        spec = to_spec(data)
        derives = not spec or evaluation_data.is_training_data(self.preset, spec)
        strategy = self.objective.split_strategy if derives else ""
        check = self.objective.check_record if skip_invalid or (not spec and source.skip_invalid) else None
        options = source.seed, errors, fields.required, strategy, fields.optional, check is not None, check
        columns = self._columns_of(spec, columns, errors, fields.train) if spec else columns or source.columns
        dataset = open_dataset(spec or source.spec, columns, *options)
        split = split or ("test" if "test" in dataset.splits else dataset.splits[-1])
        preparation, records = self.objective.preparation(self.preset.architecture), []
        for location, record in dataset.located_records(split):
            preparation.add(split, location, record)
            records.append(record)
        preparation.finish(dataset.describe)
        if spec and records:
            report_unread(self.objective, *next(iter(dataset.rows_and_records(split))))
        evaluation_data.report(self.objective, dataset.describe(split), records, self.training_rows)
        trained = self.baselines.get(split) if derives else None  # the same records, under whatever path
        return records, trained.source if trained else dataset.describe(split)

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
