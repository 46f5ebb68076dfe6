"""What happens around `fit`: exact scores after each epoch, the best weights kept, checkpoints, history."""

import csv
import io
import time

import keras

from zoo import backend
from zoo.pipeline import predictor
from zoo.runtime.files import write_text
from zoo.training import checkpoint
from zoo.training.optimizer import averaged
from zoo.training.tensorboard import EventWriter


class Validation(keras.callbacks.Callback):
    """After each epoch: the objective's exact scores on the validation records, put into the epoch's logs.

    `network` is what is scored: the trained model, or the one that shares its weights and reads examples one a row;
    `answer`, where set, stands in place of its `predict_on_batch`. The values of `variables` with the best
    `objective.rank` are kept; training stops after `patience` epochs without a better one.
    """

    def __init__(self, network, variables, objective, tokenizer, records, patience):
        super().__init__()
        self.network, self.variables, self.answer = network, variables, None
        self.objective, self.tokenizer, self.records, self.patience = objective, tokenizer, records, patience
        self.best, self.best_rank, self.best_epoch = None, None, None

    def resume(self, found):
        """Go on after a `Checkpoint`, with the best weights it knows."""
        self.best = found.best
        self.best_rank, self.best_epoch = tuple(found.progress["best_rank"]), found.progress["best_epoch"]

    def on_epoch_end(self, epoch, logs=None):
        with averaged(self.model):
            parts = self.objective, self.tokenizer, self.records
            outputs = predictor.predict(self.network, *parts, watching=True, answer=self.answer)
            scores = self.objective.scores(outputs, self.records)
            if self.best is None or self.objective.rank(scores) > self.best_rank:
                self.best_rank, self.best_epoch = self.objective.rank(scores), epoch
                self.best = checkpoint.values(self.variables)
        logs.update({f"val_{name}": value for name, value in scores.items()})
        if self.patience and epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True


class StopAfter(keras.callbacks.Callback):
    """Ends training after `total` batches, in the middle of an epoch if need be."""

    def __init__(self, total, steps):
        super().__init__()
        self.total, self.steps = total, steps

    def on_epoch_begin(self, epoch, logs=None):
        self.before = epoch * self.steps

    def on_train_batch_end(self, batch, logs=None):
        if self.before + batch + 1 >= self.total:
            self.model.stop_training = True


class Recorder(keras.callbacks.Callback):
    """After each epoch: a row in history.csv and TensorBoard's logs, then a checkpoint.

    An epoch that Ctrl-C cut short is recorded but no checkpoint: a run goes on from whole epochs only.
    """

    def __init__(self, folder, variables, validate, steps):
        super().__init__()
        self.folder, self.variables, self.validate, self.steps = folder, variables, validate, steps
        self.rows, self.started = [], time.monotonic()
        self.interrupted, self.found = False, None
        self.continues = True  # whether a checkpoint that is found was of the same optimizer
        self.random = None  # random states to begin with

    def resume(self, found):
        """Go on after a `Checkpoint`, with its history."""
        self.found, self.rows = found, found.progress["rows"]
        self.started = time.monotonic() - self.rows[-1]["seconds"]

    def on_train_begin(self, logs=None):
        self.events = EventWriter(self.folder / "logs")

    def on_train_batch_begin(self, batch, logs=None):
        if self.found:  # not before: `fit` and torch's data loader draw random numbers when they start
            self.found.put_into(self.variables, self.model if self.continues else None)
        elif self.random is not None:
            backend.set_random_state(self.random)
        self.found = self.random = None

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1, "batch": epoch * self.steps + self.batch + 1} | {
            name: float(value) for name, value in logs.items()
        }
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.monotonic() - self.started, 2)
        self.rows.append(row)
        self.events.scalars(row["batch"], row)
        write_text(self.folder / "history.csv", table(self.rows))
        if not self.interrupted:
            state = self.variables, self.model.optimizer.variables, self.validate.best
            checkpoint.save(self.folder / "checkpoint.npz", self._progress(), *state)

    def on_train_batch_end(self, batch, logs=None):
        self.batch = batch

    def _progress(self):
        return {
            "rows": self.rows,
            "best_rank": self.validate.best_rank,
            "best_epoch": self.validate.best_epoch,
            "stopped": bool(self.model.stop_training),
        }


def table(rows):
    """Rows (dicts with the same keys) as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
