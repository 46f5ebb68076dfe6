"""Features of a text for a head: pooled features of the backbone, with an optional dense layer, and dropout."""

from typing import Any

import keras

from zoo.layers.dropout import Dropout
from zoo.layers.pooling import pool
from zoo.transforms.repeated_text import reads_text_twice


def text_features(objective: Any, architecture: Any, backbone: keras.Model) -> tuple[Any, keras.KerasTensor]:
    """`(inputs, features)`: the inputs of the network, and (batch, width) features for a dense output layer.

    Args:
        objective: with `pooling`, `pooled_id`, `decoder_start_id`, `dense_activation` and `dropout`.
        architecture: of the backbone.
        backbone: an encoder-decoder reads the text twice, where the objective has a `decoder_start_id`.
    """
    if objective.decoder_start_id is not None:
        backbone = reads_text_twice(backbone, objective.decoder_start_id)
    x = pool(architecture, backbone, objective.pooling, objective.pooled_id)
    if objective.dense_activation:
        x = keras.layers.Dense(x.shape[-1], objective.dense_activation, name="hidden")(x)
    return backbone.input, Dropout(objective.dropout, name="head_dropout")(x)
