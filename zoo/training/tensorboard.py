"""TensorBoard event files without TensorFlow: the writer of the package `tensorboard` would import TensorFlow."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class EventWriter:
    """Appends scalars to a new event file in `folder`, which the first scalar creates.

    A run has one writer: TensorBoard reads the event files of a folder one after the other, and no earlier one again.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write the scalars {name: value} of a step."""
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, event):
        if not self.path.is_file():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self._append(event)

    def _append(self, event):
        with self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
