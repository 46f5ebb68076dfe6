"""One progress bar for a whole run: loss, metric, speed, time left; and a line for each epoch."""

import time
from typing import Any

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zoo.runtime.console import console

WIDE = 100  # characters of a terminal that shows all columns
REFRESH = 0.25  # seconds between reads of the loss: each read waits for the device


class ProgressBar(keras.callbacks.Callback):
    """Progress bar of the whole run on standard error; without a terminal, only a line for each epoch.

    Args:
        monitor: name of the validation score that is shown.
        steps: batches of an epoch.
        epochs: of the run.
        initial_epoch: epochs that are already completed.
    """

    def __init__(self, monitor: str, steps: int, epochs: int, initial_epoch: int) -> None:
        super().__init__()
        self.monitor, self.steps, self.epochs, self.initial_epoch = monitor, steps, epochs, initial_epoch
        self.refreshed = 0.0
        self.bar = Progress(*_columns(console.width), console=console, transient=True)

    def on_train_begin(self, logs: Any = None) -> None:
        epoch = f"{self.initial_epoch + 1}/{self.epochs}"
        first = (
            epoch if keras.config.backend() == "torch" else f"{epoch} Compiling ..."
        )  # until the first batch is done
        fields: dict[str, Any] = {"epoch": first, "loss": "-", "score": "", "speed": "-"}
        total, completed = self.epochs * self.steps, self.initial_epoch * self.steps
        self.task = self.bar.add_task("", total=total, completed=completed, **fields)
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.started = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if now - self.refreshed < REFRESH:
            return
        self.refreshed = now
        fields: dict[str, Any] = {"epoch": f"{self.epoch + 1}/{self.epochs}", "loss": f"{float(logs['loss']):.4f}"}
        fields["speed"] = f"{(batch + 1) / (now - self.started):.1f}"
        self.bar.update(self.task, completed=self.epoch * self.steps + batch + 1, **fields)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = f"val_{self.monitor} {logs[f'val_{self.monitor}']:.4f}"
        self.bar.update(self.task, score=score)
        seconds = time.monotonic() - self.started
        console.print(f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.4f}  {score}  {seconds:.1f} s")

    def on_train_end(self, logs: Any = None) -> None:
        self.bar.stop()


def _columns(width):
    """The columns of the bar; a terminal of less than `WIDE` characters has fewer, and none of them is cut."""
    left = [TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False)]
    epoch = TextColumn("epoch {task.fields[epoch]}")
    if width < WIDE:
        return [epoch, TextColumn("loss {task.fields[loss]}  {task.fields[score]}"), *left]
    numbers = TextColumn("loss {task.fields[loss]}  {task.fields[score]}  {task.fields[speed]} batches/s")
    return [epoch, BarColumn(), MofNCompleteColumn(), numbers, TimeElapsedColumn(), *left]
