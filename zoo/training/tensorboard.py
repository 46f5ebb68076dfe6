"""TensorBoard event files without TensorFlow: the package `tensorboard` has the formats, its writer would import it."""

import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class EventWriter:
    """Appends scalars to a new event file in `folder`."""

    def __init__(self, folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self.path = Path(folder) / name
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def scalars(self, step, values):
        """Write a dict of names to numbers at one step."""
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, event):
        with self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
