"""The training loss within an epoch: loss.csv and TensorBoard, about two hundred points a run."""

import csv
from pathlib import Path
from typing import Any

import keras

from zoo.runtime.files import write_text
from zoo.training.callbacks import to_csv
from zoo.training.run_length import RunLength
from zoo.training.tensorboard import EventWriter

POINTS = 200  # of a run: each reads the loss from the device
FILE = "loss.csv"


class LossLog(keras.callbacks.Callback):
    """Logs the mean training loss since the last point, every `length.total / POINTS` batches.

    Args:
        folder: of the run.
        length: of the run.
        done: batches that are already completed; points after them are dropped.
        events: the run's writer for TensorBoard.
    """

    def __init__(self, folder: Path, length: RunLength, done: int, events: EventWriter) -> None:
        super().__init__()
        self.folder, self.length, self.done, self.events = folder, length, done, events
        self.every = max(1, length.total // POINTS)
        self.rows = [row for row in read_losses(folder) if row["batch"] <= done]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches, self.total = 0, 0.0  # of the interval so far: Keras's loss is the mean since it began

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1
        if self.done % self.every:
            return
        count, total = batch + 1, float(logs["loss"]) * (batch + 1)
        loss = (total - self.total) / (count - self.batches)
        self.batches, self.total = count, total
        self.rows.append({"batch": self.done, "epoch": self.length.epochs_of(self.done), "loss": loss})
        self.events.scalars(self.done, {"batch_loss": loss})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.rows:
            write_text(self.folder / FILE, to_csv(self.rows))


def read_losses(folder: Path) -> list[dict[str, float]]:
    """The points of loss.csv in the folder of a run: batch, epoch, loss."""
    path = folder / FILE
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {"batch": int(row["batch"]), "epoch": float(row["epoch"]), "loss": float(row["loss"])}
            for row in csv.DictReader(file)
        ]
