"""TensorFlow's checkpoint files, for every backend: the weights of a SavedModel."""

from pathlib import Path
from typing import Any

import tensorflow as tf


def checkpoint_reader(path: Path) -> Any:
    """A reader, `tf.train.CheckpointReader`, of the checkpoint with this prefix."""
    return tf.train.load_checkpoint(str(path))
