"""Load model.keras: its sizes are checked before memory is allocated, for the file may be damaged or malicious."""

import math
import zipfile
from pathlib import Path
from typing import Any

import keras

from zoo.backend.keras_private import without_tensorflow
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError
from zoo.runtime.json_text import parse_json
from zoo.transforms.lazy import abstract_model

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST_CONFIG = 2**24  # bytes of config.json; BERT's is 80 kB
COMPRESSION = 20  # most times that a member may be larger than in the file; Keras does not compress
FLOAT32 = 4  # bytes
SLACK = 2**20  # bytes by which the weights may be larger than twice their file


def load_model(path: Path) -> keras.Model:
    """Load a network from a Keras file, without code (`Lambda`).

    Raises UserError where the file is truncated, unpacks to far more than its size, or has fewer weights than its
    network; any exception of Keras where it is damaged otherwise.
    """
    if not zipfile.is_zipfile(path):  # the directory of a zip file is at its end, so a truncated file has none
        raise UserError("Expected a complete Keras file. Received: a truncated or damaged one.")
    with zipfile.ZipFile(path) as archive:
        _check_sizes(archive.infolist())
        config, weights = parse_json(archive.read(CONFIG)), archive.getinfo(WEIGHTS).file_size
    with silence(), without_tensorflow():
        check_weights(config, weights)
        return keras.saving.load_model(path, compile=False)


def _check_sizes(members):
    for member in members:
        limit = LARGEST_CONFIG if member.filename == CONFIG else COMPRESSION * member.compress_size + SLACK
        if member.file_size > limit:
            raise UserError(
                f"Expected {member.filename} of up to {limit / 1e6:.0f} MB. "
                f"Received: {member.file_size / 1e6:,.0f} MB, packed in {member.compress_size / 1e6:.1f} MB."
            )


def check_weights(config: dict[str, Any], stored: int) -> None:
    """Raise UserError where the network of a config needs more bytes of weights than are `stored`."""
    with abstract_model(lambda: keras.saving.deserialize_keras_object(config)) as model:
        size = FLOAT32 * sum(math.prod(weight.shape) for weight in model.variables)
    if size > 2 * stored + SLACK:
        raise UserError(
            f"Expected a network whose weights are in the file, of {stored / 1e6:,.1f} MB. "
            f"Received: layers of {size / 1e6:,.0f} MB."
        )
