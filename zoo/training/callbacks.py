"""Keras callbacks of a run: validation, early stopping, checkpoints and history."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import backend
from zoo.metrics.intervals import error_steps
from zoo.objectives import Objective
from zoo.pipeline import predictor
from zoo.runtime.files import write_text
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.optimizer import ema_weights
from zoo.training.tensorboard import EventWriter


class Validation(keras.callbacks.Callback):
    """Validation after each epoch, with early stopping: the objective's scores, added to the epoch's logs.

    The values of `variables` with the best `selection_key` are kept in `best`.

    Args:
        network: the model that is scored: the trained model, or a model with the same weights and one example a row.
        variables: that training may change.
        records: of the validation split.
        patience: epochs without a better key after which training stops; 0: never.

    `predict_batch`, where set, takes the place of the network's `predict_on_batch`.
    """

    def __init__(
        self,
        network: keras.Model,
        variables: Sequence[keras.Variable],
        objective: Objective,
        tokenizer: Tokenizer,
        records: Sequence[dict],
        patience: int,
    ) -> None:
        super().__init__()
        self.network, self.variables = network, variables
        self.objective, self.tokenizer, self.records, self.patience = objective, tokenizer, records, patience
        self.predict_batch: Callable | None = None
        self.best: list[np.ndarray] | None = None
        self.best_key: tuple = ()  # of `selection_key`
        self.best_epoch = -1

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Continue after a checkpoint, with its best weights."""
        self.best = saved.best
        self.best_key, self.best_epoch = tuple(saved.progress["best_key"]), saved.progress["best_epoch"]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with ema_weights(self.model):
            outputs = predictor.predict(
                self.network,
                self.objective,
                self.tokenizer,
                self.records,
                during_training=True,
                predict_batch=self.predict_batch,
            )
            scores = self.objective.scores(outputs, self.records)
            key = self.selection_key(scores)
            if self.best is None or key > self.best_key:
                self.best_key, self.best_epoch = key, epoch
                self.best = checkpoint.values(self.variables)
        logs.update({f"val_{name}": value for name, value in scores.items()})
        if self.patience and epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def selection_key(self, scores: dict[str, float]) -> tuple:
        """The objective's key, with proportions in steps of their standard error: the loss decides within a step."""
        count, proportions = len(self.records), self.objective.proportions
        steps = {name: error_steps(scores[name], count) for name in proportions if name in scores}
        return self.objective.selection_key(scores | steps)


class StopAfter(keras.callbacks.Callback):
    """Stops training after `total` batches, in the middle of an epoch if need be; an epoch has `steps` batches."""

    def __init__(self, total: int, steps: int) -> None:
        super().__init__()
        self.total, self.steps = total, steps

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.first_batch = epoch * self.steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.first_batch + batch + 1 >= self.total:
            self.model.stop_training = True


class Recorder(keras.callbacks.Callback):
    """History and checkpoints after each epoch: a row in history.csv, TensorBoard's logs, then checkpoint.npz.

    An epoch that Ctrl-C cut short gets a row but no checkpoint: a run resumes from complete epochs only.

    Args:
        folder: of the run.
        variables: that training may change.
        steps: batches of an epoch.
    """

    def __init__(self, folder: Path, variables: Sequence[keras.Variable], validation: Validation, steps: int) -> None:
        super().__init__()
        self.folder, self.variables, self.validation, self.steps = folder, variables, validation, steps
        self.rows: list[dict] = []
        self.started = time.monotonic()
        self.interrupted = False
        self.saved: checkpoint.Checkpoint | None = None  # restored before the first batch
        self.same_optimizer = True  # whether `saved` has the state of the current optimizer
        self.random_state: dict | None = None  # set before the first batch

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Continue after a checkpoint, with its history."""
        self.saved, self.rows = saved, saved.progress["rows"]
        self.started = time.monotonic() - self.rows[-1]["seconds"]

    def on_train_begin(self, logs: Any = None) -> None:
        self.events = EventWriter(self.folder / "logs")

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.saved:  # no earlier: `fit` and torch's data loader draw random numbers when they start
            self.saved.restore(self.variables, self.model if self.same_optimizer else None)
        elif self.random_state is not None:
            backend.set_random_state(self.random_state)
        self.saved = self.random_state = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        batch = epoch * self.steps + self.batch + 1
        row = {"epoch": epoch + 1, "batch": batch} | {name: float(value) for name, value in logs.items()}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.monotonic() - self.started, 2)
        self.rows.append(row)
        self.events.scalars(batch, row)
        write_text(self.folder / "history.csv", to_csv(self.rows))
        if not self.interrupted:
            path, optimizer = self.folder / "checkpoint.npz", self.model.optimizer
            checkpoint.save(path, self._progress(), self.variables, optimizer.variables, self.validation.best)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batch = batch

    def _progress(self):
        return {
            "rows": self.rows,
            "best_key": self.validation.best_key,
            "best_epoch": self.validation.best_epoch,
            "stopped": bool(self.model.stop_training),
        }


def to_csv(rows: Sequence[Mapping]) -> str:
    """Rows, dicts with the same keys, as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
