"""Calibration of a pipeline's decision threshold on validation, and its scores on the held-out splits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset
from zoo.objectives import Calibrates
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.predictor import predict
from zoo.pipeline.scoring import scores_and_tables


def held_out(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """{split: records} of the validation and test splits."""
    records = {split: [] for split in dataset.splits if split != "train"}
    for split, _, record in dataset.visit(tuple(records)):
        records[split].append(record)
    return records


def calibrate_and_score(
    pipeline: Pipeline, splits: Mapping[str, Sequence[dict[str, Any]]]
) -> tuple[Pipeline, list[dict[str, Any]], np.ndarray | None, list[dict[str, Any]]]:
    """`(pipeline, scores per class, confusion matrix, decisions)`: calibrated on validation, scored on each split.

    Args:
        splits: records by split, validation first; tables and decisions are of the last one.
    """
    objective, scores, per_class, confusion_matrix, decisions = pipeline.objective, {}, [], None, []
    for split, records in splits.items():
        decisions = predict(pipeline.model, objective, pipeline.tokenizer, records)
        if split == "validation" and isinstance(objective, Calibrates):
            objective = objective.calibrate(decisions, records)
        scores[split], per_class, confusion_matrix = scores_and_tables(objective, decisions, records)
    calibrated = replace(pipeline, preset=replace(pipeline.preset, objective=objective), scores=scores)
    return calibrated, per_class, confusion_matrix, decisions
