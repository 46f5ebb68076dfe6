"""The network of an exported SavedModel: its Keras config, and its weights in TensorFlow's checkpoint format."""

import json
from pathlib import Path

import keras

from zoo.backend.keras_private import without_tensorflow
from zoo.pipeline.keras_file import check_weights
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text
from zoo.runtime.json_text import parse_json

SETTINGS = Path("assets.extra", "zoo")  # in a SavedModel: what `zoo.load` needs beside the weights
NETWORK = "network.json"  # the Keras config
CHECKPOINT = Path("variables", "variables")
KEY = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"  # of `weights`, a list of the variables, in the exported object


def save_network(model: keras.Model, folder: Path) -> None:
    """Write the Keras config of a network into an existing folder."""
    with without_tensorflow():
        network = keras.Model(model.input, model.output)  # without the optimizer
        write_text(folder / NETWORK, json.dumps(keras.saving.serialize_keras_object(network)))


def load_exported_network(folder: Path) -> keras.Model:
    """The network of a SavedModel, whose weights are read by TensorFlow, on any backend.

    Raises UserError where TensorFlow is missing, the weights are stored in another precision, or do not fit.
    """
    config = (folder / SETTINGS / NETWORK).read_bytes()
    with silence():
        reader = _checkpoint_reader(folder / CHECKPOINT)
        shapes = reader.get_variable_to_shape_map()
        with without_tensorflow():
            check_weights(
                parse_json(config), sum(path.stat().st_size for path in (folder / CHECKPOINT.parent).iterdir())
            )
            model = keras.saving.deserialize_keras_object(parse_json(config))  # Keras empties it
    keys = [KEY.format(i) for i in range(len(model.variables))]
    stored = sum(key.startswith(KEY.partition("{")[0]) for key in shapes)
    if stored != len(keys) or any(key not in shapes for key in keys):
        raise UserError(
            f"Expected an export with the float32 weights of the network, {len(keys)} of them. Received: {stored} of "
            "them. An export with another precision can be served, but not loaded: load the model folder."
        )
    for key, variable in zip(keys, model.variables, strict=True):
        if tuple(shapes[key]) != tuple(variable.shape):
            raise UserError(f"Expected {variable.path} of shape {tuple(variable.shape)}. Received: {shapes[key]}.")
        variable.assign(reader.get_tensor(key))
    return model


def _checkpoint_reader(path):
    try:
        from zoo.backend.tensorflow_checkpoint import checkpoint_reader
    except ImportError as error:
        raise UserError(
            f"Expected TensorFlow to be installed, to read the weights of a SavedModel. Received: {error}."
        ) from error
    return checkpoint_reader(path)
