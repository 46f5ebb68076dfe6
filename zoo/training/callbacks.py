"""Keras callbacks of a run: validation, early stopping, checkpoints and history."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import backend
from zoo.metrics.intervals import error_steps
from zoo.objectives import Objective
from zoo.pipeline import predictor
from zoo.runtime.files import write_text
from zoo.text.tokenizer import Tokenizer
from zoo.training.checkpoint import Checkpoint
from zoo.training.distribution import is_writer
from zoo.training.markdown import table_columns
from zoo.training.optimizer import ema_weights
from zoo.training.run_length import RunLength
from zoo.training.sharded_checkpoint import write_checkpoint
from zoo.training.tensorboard import EventWriter


class Validation(keras.callbacks.Callback):
    """Validation after each epoch, with early stopping: the objective's scores, added to the epoch's logs.

    The values of `variables` with the best `selection_key` are kept in `best`.

    Args:
        network: the model that is scored: the trained model, or a model with the same weights and one example a row.
        variables: that training may change.
        records: of the validation split.
        patience: validations without a better key after which training stops; 0: never.

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
        self.best: list[Any] | None = None
        self.best_key: tuple = ()  # of `selection_key`
        self.best_index = -1  # of the validation with the best key, counted from 0
        self.patience_start = 0  # the validation from which `patience` counts
        self.count = 0  # validations so far

    def resume(self, saved: Checkpoint, longer: bool) -> None:
        """Continue after a checkpoint, with its best weights; a run made longer counts its patience anew."""
        self.best, self.count = saved.best(self.variables), len(saved.progress["rows"])
        self.best_key, self.best_index = tuple(saved.progress["best_key"]), saved.progress["best_index"]
        self.patience_start = self.count - 1 if longer else 0

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
                self.best_key, self.best_index = key, self.count
                self.best = backend.snapshot(self.variables)
        logs.update({f"val_{name}": value for name, value in scores.items()})
        if self.patience and self.count - max(self.best_index, self.patience_start) >= self.patience:
            self.model.stop_training = True
        self.count += 1

    def selection_key(self, scores: dict[str, float]) -> tuple:
        """The objective's key, with proportions in steps of their standard error: the loss decides within a step."""
        count, proportions = len(self.records), self.objective.proportions
        steps = {name: error_steps(scores[name], count) for name in proportions if name in scores}
        return self.objective.selection_key(scores | steps)


class StopAfter(keras.callbacks.Callback):
    """Stops training after `total` batches of the run, in the middle of an epoch if need be; `done` precede."""

    def __init__(self, total: int, done: int) -> None:
        super().__init__()
        self.total, self.done = total, done

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1
        if self.done >= self.total:
            self.model.stop_training = True


class Recorder(keras.callbacks.Callback):
    """History and checkpoints after each validation: a row in history.csv, TensorBoard's logs, then the checkpoint.

    A validation after Ctrl-C gets a row but no checkpoint: a run resumes from complete intervals only.

    Args:
        folder: of the run.
        variables: that training may change.
        length: of the run.
        compiled: names of the optimizer, loss and metrics: see `CompileOptions.names`.
    """

    def __init__(
        self,
        folder: Path,
        variables: Sequence[keras.Variable],
        validation: Validation,
        length: RunLength,
        compiled: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.compiled = compiled
        self.folder, self.variables, self.validation, self.length = folder, variables, validation, length
        self.events = EventWriter(folder / "logs")
        self.rows: list[dict] = []
        self.done = 0  # batches of the run so far
        self.started = time.monotonic()
        self.interrupted = False
        self.saved: Checkpoint | None = None  # restored before the first batch
        self.same_optimizer = True  # whether `saved` has the state of the current optimizer
        self.random_state: dict | None = None  # set before the first batch

    def resume(self, saved: Checkpoint) -> None:
        """Continue after a checkpoint, with its history."""
        self.saved, self.rows = saved, saved.progress["rows"]
        self.done = self.rows[-1]["batch"]
        self.started = time.monotonic() - self.rows[-1]["seconds"]

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.saved:  # no earlier: `fit` and torch's data loader draw random numbers when they start
            self.saved.restore(self.variables, self.model if self.same_optimizer else None)
        elif self.random_state is not None:
            backend.set_random_state(self.random_state)
        self.saved = self.random_state = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row: dict[str, Any] = {"epoch": self.length.epochs_of(self.done), "batch": self.done}
        row |= {name: float(value) for name, value in logs.items()}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.monotonic() - self.started, 2)
        self.rows.append(row)
        if is_writer():
            self.events.scalars(self.done, row)
            write_text(self.folder / "history.csv", to_csv(self.rows))
        if not self.interrupted:
            state = self.variables, self.model.optimizer.variables, self.validation.best
            write_checkpoint(self.folder, self._progress(), *state)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1

    def _progress(self):
        return {
            "rows": self.rows,
            "best_key": self.validation.best_key,
            "best_index": self.validation.best_index,
            "stopped": bool(self.model.stop_training),
            "total": self.length.total,
            "compiled": self.compiled,
            "patience": self.validation.patience,
        }


def to_csv(rows: Sequence[Mapping]) -> str:
    """Rows, dicts, as CSV text; a cell that a row lacks is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=table_columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
