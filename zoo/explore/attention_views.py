"""Attention of a text: self-attention, cross-attention, alignment of recurrent decoders and attention pooling."""

import keras
import numpy as np
from keras import ops

from zoo.explore.head_statistics import head_statistics
from zoo.explore.layer_traces import queries_and_keys, readable_name, to_array, trace_layer
from zoo.explore.text_run import LayerCall, TextRun
from zoo.explore.views import Attention, AttentionLayer
from zoo.layers.pooling import Pooling
from zoo.layers.recurrent.attention_decoder import AttentionDecoder
from zoo.layers.recurrent.decoder_attention import DecoderAttention
from zoo.layers.traces import AttentionTrace, RecurrentTrace


def attention_views(run: TextRun, neurons: bool = True, row: int = 0) -> list[Attention]:
    """The attention of a text: a view for each pair of sequences, with its layers in the order of execution.

    Layers whose queries or keys are not the tokens of a sequence are left out, such as those after a strided
    convolution.

    Args:
        neurons: whether the views have queries, keys and biases, or scores, beside the weights.
        row: of a run with several rows.
    """
    views: dict[tuple, Attention] = {}
    for call in run.calls:
        trace = _attention_trace(run, call, row)
        if trace is None:
            continue
        queries, keys = queries_and_keys(call)
        weights = to_array(trace.weight)
        name = _view_name(call, queries, keys)
        times = (1 if name == "pooling" else len(run.sequences.get(queries, ())), len(run.sequences.get(keys, ())))
        if weights.shape[1:] != times:
            continue
        statistics = head_statistics(weights, run.sequences[keys], same_sequence=queries == keys and name != "pooling")
        layer = AttentionLayer(readable_name(call.layer), weights, _mask(trace, times), statistics=statistics)
        if neurons:
            _add_neurons(layer, trace)
        view = Attention(name, queries, keys, trace.causal, [])
        views.setdefault((name, queries, keys, trace.causal), view).layers.append(layer)
    return list(views.values())


def _attention_trace(run, call, row) -> AttentionTrace | None:
    """The trace of a layer's attention on one row; None for a layer without attention."""
    rows = len(next(iter(run.inputs.values())))
    args, kwargs = keras.tree.map_structure(
        lambda x: x[row : row + 1] if ops.is_tensor(x) and len(x) == rows else x, (call.args, call.kwargs)
    )
    trace = trace_layer(call.layer, args, kwargs)
    return trace.alignment if isinstance(trace, RecurrentTrace) else trace


def _view_name(call: LayerCall, queries, keys):
    if isinstance(call.layer, Pooling):
        return "pooling"
    if isinstance(call.layer, AttentionDecoder | DecoderAttention):
        return "alignment"
    if queries != keys:
        return "cross-attention"
    return "decoder self-attention" if queries == "target" else "self-attention"


def _mask(trace, times):
    """(time, source time) booleans; None if all keys are visible."""
    if trace.mask is None:
        return None
    mask = np.broadcast_to(ops.convert_to_numpy(trace.mask)[0, 0], times)
    return None if mask.all() else mask


def _add_neurons(layer: AttentionLayer, trace: AttentionTrace) -> None:
    if trace.query is None:
        layer.score = to_array(trace.score)
        return
    layer.query, layer.key, layer.scale = to_array(trace.query), to_array(trace.key), trace.scale
    layer.bias = None if trace.bias is None else to_array(trace.bias)
