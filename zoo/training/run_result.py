"""Result of a training run: the trained pipeline, its dataset, scores and history."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.pipeline.pipeline import Pipeline
from zoo.training.run_record import RunRecord


@dataclass(frozen=True)
class RunResult:
    """The result of a training run, from which its model card is written."""

    folder: Path  # the model folder
    pipeline: Pipeline  # trained, calibrated and scored: `pipeline.scores` by split
    dataset: Dataset
    sizes: dict[str, int]  # training examples, and records of each held-out split
    per_class: list[dict]  # a row for each class, of the split that was scored last
    confusion_matrix: np.ndarray | None  # (classes, classes) counts of the same split
    history: list[dict]  # a row for each epoch
    best_epoch: int | float  # epochs before the validation with the best score
    weights: str  # number of weights, trainable and frozen, as text
    record: RunRecord  # completed

    @property
    def seconds(self) -> float:
        """Time of training, validation included."""
        return self.history[-1]["seconds"]
