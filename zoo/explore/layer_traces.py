"""Traces of captured layers: attention weights, recurrent states and gates, of zoo's layers and of Keras's own.

A user's layer of attention takes part by a method `trace` with the arguments of its `call`, which returns a
`zoo.layers.traces.AttentionTrace`; a recurrent one as a subclass of `zoo.layers.recurrent.keras_layer.KerasRecurrent`.
"""

import re
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.backend.keras_private import implicit_mask
from zoo.explore.text_run import LayerCall
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.recurrent.attention_decoder import AttentionDecoder
from zoo.layers.recurrent.cells import GRU, LSTM, RNN
from zoo.layers.recurrent.keras_layer import KerasRecurrent
from zoo.layers.traces import product_trace

KERAS_CELLS = {keras.layers.SimpleRNN: RNN, keras.layers.LSTM: LSTM, keras.layers.GRU: GRU}
KERAS_DEFAULTS = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "reset_after": True}


def trace_layer(layer: keras.layers.Layer, args: tuple, kwargs: dict[str, Any], **options: Any) -> Any:
    """The `AttentionTrace` or `RecurrentTrace` of a layer's call; None for a layer without attention and recurrence.

    Args:
        options: further arguments of `trace`.
    """
    kwargs = {name: value for name, value in kwargs.items() if name != "training"}
    if isinstance(layer, ImplicitMask):
        args, kwargs = layer.with_implicit_mask(args, kwargs)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _trace_keras_attention(layer, *args, **kwargs)
    if is_recurrent(layer) and type(layer) in KERAS_CELLS:
        layer = _zoo_recurrent(layer)
    return layer.trace(*args, **kwargs, **options) if hasattr(layer, "trace") else None


def is_recurrent(layer: keras.layers.Layer) -> bool:
    """Whether a layer has a `RecurrentTrace`: those of zoo, and Keras's own with their default activations."""
    if type(layer) not in KERAS_CELLS:
        return isinstance(layer, KerasRecurrent | AttentionDecoder)
    config = layer.get_config()
    return all(config.get(name, value) == value for name, value in KERAS_DEFAULTS.items())


def readable_name(layer: keras.layers.Layer) -> str:
    """The name of a layer for people: "block 0" of "block0_attention"."""
    name = layer.name.removesuffix("_attention").removesuffix("_source")
    return re.sub(r"(?<=[a-z])(?=\d)", " ", name).replace("_", " ")


def queries_and_keys(call: LayerCall) -> tuple[str, str]:
    """The sequence of a layer's first input, and the other sequence that it reads: the same if there is no other."""
    queries, *others = [*filter(None, call.sequences)] or [""]
    return queries, next((name for name in others if name != queries), queries)


def to_array(tensor: Tensor, row: int = 0) -> np.ndarray:
    """A row of a tensor, as float32."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor[row], "float32")))


def _trace_keras_attention(
    layer, query, value, key=None, query_mask=None, value_mask=None, attention_mask=None, use_causal_mask=False, **_
):
    """The trace of `keras.layers.MultiHeadAttention`."""
    q_BTHD, k_BSHD = layer.query_dense(query), layer.key_dense(value if key is None else key)
    value_mask = implicit_mask(value) if value_mask is None else value_mask
    mask = value_mask if attention_mask is None else attention_mask
    if value_mask is not None and attention_mask is not None:
        mask = ops.logical_and(value_mask[:, None], attention_mask)
    return product_trace(q_BTHD, k_BSHD, layer.key_dim**-0.5, mask, use_causal_mask)


def _zoo_recurrent(layer):
    """The recurrent layer of zoo with the weights of one of Keras."""
    names = ("units", "go_backwards", "return_sequences", "return_state")
    copy = KERAS_CELLS[type(layer)](**{name: getattr(layer, name) for name in names})
    copy.build((None, None, layer.cell.kernel.shape[0]))
    for name in ("kernel", "recurrent_kernel", "bias"):
        getattr(copy, name).assign(getattr(layer.cell, name))
    return copy
