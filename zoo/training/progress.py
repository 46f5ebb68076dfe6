"""One progress bar for a whole run: loss, metric, speed, time left; and a line for each epoch."""

import time
from typing import Any

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zoo import backend
from zoo.runtime.console import console
from zoo.training.notebook import NotebookLine
from zoo.training.run_length import RunLength

WIDE = 100  # characters of a terminal that shows all columns
REFRESH = 0.25  # seconds between reads of the loss: each read waits for the device


class ProgressBar(keras.callbacks.Callback):
    """Progress bar of the whole run on standard error; without a terminal, only a line for each validation.

    Args:
        monitor: name of the validation score that is shown.
        length: of the run.
        done: batches that are already completed.
    """

    def __init__(self, monitor: str, length: RunLength, done: int) -> None:
        super().__init__()
        self.monitor, self.length, self.done = monitor, length, done
        self.refreshed = 0.0
        bar = (
            NotebookLine()
            if console.is_jupyter
            else Progress(*_columns(console.width), console=console, transient=True)
        )
        self.bar: Any = bar

    def on_train_begin(self, logs: Any = None) -> None:
        # until the first batch is done
        compiles = keras.config.backend() != "torch" or backend.has_accelerator()
        compiling = " Compiling ..." if compiles else ""
        fields: dict[str, Any] = {"epoch": f"{self._epoch()}{compiling}", "loss": "-", "score": "", "speed": "-"}
        self.task = self.bar.add_task("", total=self.length.total, completed=self.done, **fields)
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.refreshed < REFRESH:
            return
        self.refreshed = now
        fields: dict[str, Any] = {"epoch": self._epoch(), "loss": f"{float(logs['loss']):.4f}"}
        fields["speed"] = f"{(batch + 1) / (now - self.started):.1f}"
        self.bar.update(self.task, completed=self.done, **fields)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = f"val_{self.monitor} {logs[f'val_{self.monitor}']:.4f}"
        self.bar.update(self.task, score=score)
        seconds = time.monotonic() - self.started
        console.print(f"{self._position()}  loss {logs['loss']:.4f}  {score}  {seconds:.1f} s")

    def _epoch(self):
        """The epoch at hand and the number of epochs, "3/10"."""
        return f"{min(self.done // self.length.epoch + 1, self.length.epochs)}/{self.length.epochs}"

    def _position(self):
        """Epochs done, "epoch 3/10"; within an epoch the batches, "batch 40/60"."""
        if self.done % self.length.epoch:
            return f"batch {self.done}/{self.length.total}"
        return f"epoch {self.done // self.length.epoch}/{self.length.epochs}"

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
