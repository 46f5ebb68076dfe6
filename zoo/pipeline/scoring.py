"""Evaluation of a pipeline on held-out records, and calibration of its decision threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.objectives import Calibrates, Objective, Reports
from zoo.pipeline.predictor import predict

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.pipeline.pipeline import Pipeline


def scores_and_tables(
    objective: Objective, decisions: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]
) -> tuple[dict[str, float], list[dict[str, Any]], np.ndarray | None]:
    """Evaluation metrics: `(scores, scores per class, confusion matrix)` of a list of decisions, one for each record.

    Objectives without such reports have no scores per class, and None as their confusion matrix.
    """
    scores = objective.scores(decisions, records)
    if not isinstance(objective, Reports):
        return scores, [], None
    return scores, objective.per_class(decisions, records), objective.confusion_matrix(decisions, records)


def held_out(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """{split: records} of the validation and test splits."""
    records = {split: [] for split in dataset.splits if split != "train"}
    for split, _, record in dataset.visit(tuple(records)):
        records[split].append(record)
    return records


def calibrate_and_score(
    pipeline: Pipeline, splits: Mapping[str, Sequence[dict[str, Any]]]
) -> tuple[Pipeline, list[dict[str, Any]], np.ndarray | None]:
    """`(pipeline, scores per class, confusion matrix)`: calibrated on validation and scored on each of the splits.

    Args:
        splits: records by split, validation first; the tables are of the last one.
    """
    objective, scores, per_class, confusion_matrix = pipeline.objective, {}, [], None
    for split, records in splits.items():
        decisions = predict(pipeline.model, objective, pipeline.tokenizer, records)
        if split == "validation" and isinstance(objective, Calibrates):
            objective = objective.calibrate(decisions, records)
        scores[split], per_class, confusion_matrix = scores_and_tables(objective, decisions, records)
    calibrated = replace(pipeline, preset=replace(pipeline.preset, objective=objective), scores=scores)
    return calibrated, per_class, confusion_matrix
