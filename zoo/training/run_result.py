"""Result of a training run: the trained pipeline, its dataset, scores and history."""

from collections.abc import Mapping, Sequence
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
    examples: int  # of the training split
    splits: Mapping[str, Sequence[dict]]  # records of each held-out split; the last one is reported in detail
    per_class: list[dict]  # a row for each class, of the split that was scored last
    confusion_matrix: np.ndarray | None  # (classes, classes) counts of the same split
    decisions: list[dict]  # for each of `records`
    history: list[dict]  # a row for each validation
    losses: list[dict[str, float]]  # points of the training loss within the epochs
    best_epoch: int | float  # epochs before the validation with the best score
    weights: str  # number of weights, trainable and frozen, as text
    record: RunRecord  # completed

    @property
    def split(self) -> str:
        """The split that was scored last: test, or validation."""
        return list(self.splits)[-1]

    @property
    def records(self) -> Sequence[dict]:
        """The records of the split that was scored last."""
        return self.splits[self.split]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of training examples, and of the records of each held-out split."""
        return {"train": self.examples} | {name: len(records) for name, records in self.splits.items()}

    @property
    def seconds(self) -> float:
        """Time of training, validation included."""
        return self.history[-1]["seconds"]
