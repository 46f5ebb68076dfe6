"""One progress bar for a whole run: loss, metric, speed, time left; and a line for each epoch."""

import time
from typing import Any

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zoo.runtime.console import console

REFRESH = 0.25  # seconds between reads of the loss: each read waits for the device


class ProgressBar(keras.callbacks.Callback):
    """Progress bar of the whole run on standard error; where that is no terminal, a line for each epoch only.

    Args:
        monitor: name of the validation score that is shown.
        steps: batches of an epoch.
        epochs: of the run.
        done: epochs before this process.
    """

    def __init__(self, monitor: str, steps: int, epochs: int, done: int) -> None:
        super().__init__()
        self.monitor, self.steps, self.epochs, self.done = monitor, steps, epochs, done
        self.refreshed = 0.0
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[score]}  {task.fields[speed]} batches/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
        )
        self.bar = Progress(*columns, console=console, transient=True)

    def on_train_begin(self, logs: Any = None) -> None:
        start: dict[str, Any] = {"epoch": f"{self.done + 1}/{self.epochs}", "loss": "-", "score": "", "speed": "-"}
        total, completed = self.epochs * self.steps, self.done * self.steps
        self.task = self.bar.add_task("", total=total, completed=completed, **start)
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.began = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if now - self.refreshed < REFRESH:
            return
        self.refreshed = now
        fields: dict[str, Any] = {"epoch": f"{self.epoch + 1}/{self.epochs}", "loss": f"{float(logs['loss']):.4f}"}
        fields["speed"] = f"{(batch + 1) / (now - self.began):.1f}"
        self.bar.update(self.task, completed=self.epoch * self.steps + batch + 1, **fields)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = f"val_{self.monitor} {logs[f'val_{self.monitor}']:.4f}"
        self.bar.update(self.task, score=score)
        seconds = time.monotonic() - self.began
        console.print(f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.4f}  {score}  {seconds:.1f} s")

    def on_train_end(self, logs: Any = None) -> None:
        self.bar.stop()
