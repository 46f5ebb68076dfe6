"""Recurrent states of a text: states and gates over its tokens, and the gradient of the answer's loss by each state."""

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor, value_and_gradients
from zoo.explore.answer_loss import answer_loss, has_classes
from zoo.explore.layer_traces import is_recurrent, queries_and_keys, readable_name, to_array, trace_layer
from zoo.explore.text_run import TextRun
from zoo.explore.views import RecurrentStates
from zoo.layers.word_features import WordIndex
from zoo.transforms.graph import Graph

States = dict[str, Tensor]  # {"h", and of an LSTM "c"}: (rows, time, units)


def recurrent_states(run: TextRun) -> list[RecurrentStates]:
    """The states and gates of each recurrent layer, in the order of execution.

    `gradient` is the total derivative of `answer_loss` by each state, through later states and layers too; that by the
    memory cell of an LSTM includes the output of the same step. Where a layer reads words, each character has the
    states of its word. Layers whose steps are neither tokens nor words are left out.
    """
    calls = [call for call in run.calls if is_recurrent(call.layer)]
    traces = [trace_layer(call.layer, call.args, call.kwargs) for call in calls]
    gradients = state_gradients(run, [trace.states for trace in traces])
    views = []
    for call, trace, gradient in zip(calls, traces, gradients, strict=True):
        sequence, _ = queries_and_keys(call)
        steps = _step_of_token(run, sequence, trace.states["h"].shape[1])
        if steps is not None:
            parts = [_rows(tensors, steps) for tensors in (trace.states, trace.gates, gradient)]
            reverse = getattr(call.layer, "reverse", False) or getattr(call.layer, "go_backwards", False)
            views.append(RecurrentStates(readable_name(call.layer), sequence, reverse, *parts))
    return views


def state_gradients(run: TextRun, states: list[States]) -> list[States]:
    """The total derivative of `answer_loss` by the `states` of each layer; none for an answer without classes.

    The network runs again with zeros added to the states: the derivative by these zeros is that by the states.
    """
    if not states or not has_classes(run):
        return [{} for _ in states]
    graph = Graph(run.model)
    inputs = {name: ops.convert_to_tensor(run.inputs[name]) for name in graph.inputs}

    def loss(*zeros):
        offsets = iter(keras.tree.pack_sequence_as(states, list(zeros)))

        def call(step, *args, **kwargs):
            if is_recurrent(step.layer):
                return trace_layer(step.layer, args, kwargs, offsets=next(offsets)).outputs
            return step.layer(*args, **kwargs)

        return answer_loss(run, graph.run(inputs, call))

    _, gradients = value_and_gradients(loss, *map(ops.zeros_like, keras.tree.flatten(states)))
    packed = keras.tree.pack_sequence_as(states, gradients)  # sorts the names
    return [{name: by_name[name] for name in names} for names, by_name in zip(states, packed, strict=True)]


def _step_of_token(run, sequence, steps):
    """The step of a layer at which each token is read, (T,) integers; None if steps are neither tokens nor words."""
    time = len(run.sequences.get(sequence, ()))
    if steps == time:
        return np.arange(time)
    words = [call.outputs for call in run.calls if isinstance(call.layer, WordIndex)]
    return np.maximum(ops.convert_to_numpy(words[0])[0], 0) if words and time else None


def _rows(tensors, steps):
    return {name: to_array(tensor)[steps] for name, tensor in tensors.items()}
