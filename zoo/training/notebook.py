"""The progress of a run in a notebook: one line of text that is updated in place, without ipywidgets."""

import time
from typing import Any

REFRESH = 1.0  # seconds between updates: each is a message to the browser
WIDTH = 30  # characters of the bar


class NotebookLine:
    """A progress line in a notebook, with the methods that `ProgressBar` calls of `rich.progress.Progress`."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.handle: Any = None
        self.refreshed = 0.0

    def add_task(self, description: str, total: int, completed: int, **fields: Any) -> int:
        """Set the number of batches, those completed, and the fields of the line; returns the task's number, 0."""
        self.values = {"total": total, "completed": completed, **fields}
        self.first, self.began = completed, time.monotonic()
        return 0

    def start(self) -> None:
        """Show the line."""
        from IPython.display import display  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

        self.handle = display(self._data(), raw=True, display_id=True)

    def update(self, task: int, **values: Any) -> None:
        """Change some values of the line, which is shown anew at most once in `REFRESH` seconds."""
        self.values |= values
        now = time.monotonic()
        if self.handle is not None and now - self.refreshed >= REFRESH:
            self.refreshed = now
            self.handle.update(self._data(), raw=True)

    def stop(self) -> None:
        """Show the last values."""
        if self.handle is not None:
            self.handle.update(self._data(), raw=True)

    def line(self) -> str:
        """The line, such as "epoch 2/10  ########------  40/100  loss 0.51  12.0 batches/s  5 s left"."""
        total, completed = self.values["total"], self.values["completed"]
        done = round(WIDTH * completed / max(total, 1))
        seconds = (time.monotonic() - self.began) / max(completed - self.first, 1) * (total - completed)
        parts = [f"epoch {self.values['epoch']}", "#" * done + "-" * (WIDTH - done), f"{completed}/{total}"]
        parts += [f"loss {self.values['loss']}", self.values["score"], f"{self.values['speed']} batches/s"]
        parts += [f"{seconds:.0f} s left"] if self.first < completed < total else []
        return "  ".join(part for part in parts if part)

    def _data(self):
        return {"text/plain": self.line()}
