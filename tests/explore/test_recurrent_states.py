"""Views of recurrent states: those of the layers' outputs, and the gradient of the loss by each state."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_on_torch
from tiny_pipelines import tiny_run

from zoo.backend import value_and_gradients
from zoo.explore.answer_loss import answer_logits, answer_loss
from zoo.explore.layer_traces import is_recurrent, to_array, trace_layer
from zoo.explore.recurrent_states import recurrent_states, state_gradients
from zoo.explore.text_run import TextRun, capture_calls
from zoo.layers.recurrent.cells import LSTM
from zoo.transforms.graph import Graph

RUNS = {  # objective, architecture and settings
    "rnn": ("tag_tokens", "rnn", {}),
    "lstm": ("classify_text", "lstm", {"bidirectional": True, "depth": 2, "pooling": "mean"}),
    "gru": ("next_token", "gru", {}),
    "last": ("classify_text", "rnn", {}),
    "lstm_cnn": ("tag_tokens", "lstm_cnn", {}),
    "gru decoder": ("translate", "rnn_seq2seq", {}),
    "lstm decoder": ("translate", "rnn_seq2seq", {"cell": "lstm", "input_feeding": "output", "attention": "general"}),
    "no feeding": ("translate", "rnn_seq2seq", {"cell": "lstm", "input_feeding": "none", "depth": 2}),
}
GATES = {"rnn": (), "lstm": ("input", "forget", "candidate", "output"), "gru": ("update", "reset", "candidate")}


def run_of(name):
    objective, architecture, settings = RUNS[name]
    return tiny_run(objective, architecture, **settings)


@pytest.fixture(scope="module", params=all_on_torch([name for name in RUNS if name != "last"], ("lstm",)))
def named_run(request):
    return request.param, run_of(request.param)


@pytest.fixture(scope="module")
def views(named_run):
    return recurrent_states(named_run[1])


def test_states_are_the_outputs_of_the_layers(named_run, views):
    name, run = named_run
    calls = [call for call in run.calls if is_recurrent(call.layer)]
    assert [view.reverse for view in views] == [getattr(call.layer, "reverse", False) for call in calls]
    for view, call in zip(views, calls, strict=True):
        time = len(run.sequences[view.sequence])
        arrays = [*view.states.values(), *view.gates.values(), *view.gradient.values()]
        assert {array.shape for array in arrays} == {(time, 12)}
        assert {array.dtype for array in arrays} == {np.dtype("float32")}
        y, *state = keras.tree.flatten(call.outputs)
        if name != "lstm_cnn" and not hasattr(call.layer, "attention"):
            np.testing.assert_allclose(view.states["h"], to_array(y), rtol=0, atol=1e-5)
        for last, array in zip(state, view.states.values(), strict=False):
            np.testing.assert_allclose(array[-1], to_array(last), rtol=0, atol=1e-5)


def test_views_have_the_states_and_gates_of_their_cell(named_run, views):
    cell = {"gru decoder": "gru", "rnn": "rnn", "gru": "gru"}.get(named_run[0], "lstm")
    for view in views:
        assert tuple(view.gates) == GATES[cell]
        assert tuple(view.states) == tuple(view.gradient) == (("h", "c") if cell == "lstm" else ("h",))


def test_gradients_are_those_of_finite_differences(named_run):
    """The loss with the states of a layer moved a little, in a random direction at one step; the answer stays."""
    _, run = named_run
    graph, step, random = Graph(run.model), 1e-2, np.random.default_rng(0)
    calls = [call for call in run.calls if is_recurrent(call.layer)]
    traces = [trace_layer(call.layer, call.args, call.kwargs) for call in calls]
    gradients = state_gradients(run, [trace.states for trace in traces])
    inputs = {name: ops.convert_to_tensor(run.inputs[name]) for name in graph.inputs}

    def log_probabilities(call=None):
        return [ops.convert_to_numpy(ops.log_softmax(x, axis=-1)) for x in answer_logits(run, graph.run(inputs, call))]

    answers = [x.argmax(-1)[..., None] for x in log_probabilities()]

    def loss(layer, offsets):
        def call(step, *args, **kwargs):
            if step.layer is not layer:
                return step.layer(*args, **kwargs)
            return trace_layer(layer, args, kwargs, offsets=offsets).outputs

        pairs = zip(log_probabilities(call), answers, strict=True)
        return -sum(np.take_along_axis(x, answer, -1).sum(dtype="float64") for x, answer in pairs)

    for call, trace, gradient in list(zip(calls, traces, gradients, strict=True))[-2:]:
        name, zeros = list(trace.states)[-1], {name: ops.zeros_like(array) for name, array in trace.states.items()}
        direction = np.zeros(zeros[name].shape, "float32")
        direction[:, direction.shape[1] // 2] = random.normal(size=direction.shape[2])
        up, down = (loss(call.layer, zeros | {name: ops.convert_to_tensor(size * direction)}) for size in (step, -step))
        actual = (ops.convert_to_numpy(gradient[name]) * direction).sum()
        np.testing.assert_allclose(actual, (up - down) / (2 * step), rtol=1e-2, atol=1e-3)


def test_the_last_token_of_a_simple_network_decides_its_gradient_alone():
    """Only the state after the last token reaches the logits directly: its gradient is that of the head."""
    run = run_of("last")
    (view,) = recurrent_states(run)
    head = run.model.get_layer("logits")

    def loss(h):
        return -ops.max(ops.log_softmax(head(h)))

    _, (expected,) = value_and_gradients(loss, view.states["h"][-1:])
    np.testing.assert_allclose(view.gradient["h"][-1:], ops.convert_to_numpy(expected), rtol=0, atol=1e-5)


def test_the_loss_is_the_cross_entropy_of_the_answer():
    run = run_of("last")
    _, outputs = capture_calls(run.model, run.inputs)
    answer = run.pipeline.predict(run.record["text"])
    np.testing.assert_allclose(
        ops.convert_to_numpy(answer_loss(run, outputs)), -np.log(max(answer["probabilities"].values())), rtol=1e-5
    )


def test_characters_have_the_states_of_their_word():
    run = run_of("lstm_cnn")
    view = recurrent_states(run)[0]
    text = "".join(token.text for token in run.sequences["tokens"] if not token.special)
    h = view.states["h"][[not token.special for token in run.sequences["tokens"]]]
    for i in range(1, len(text)):
        is_same_word = text[i] == " " or text[i - 1] != " "
        assert (h[i] == h[i - 1]).all() == is_same_word


def test_an_answer_without_classes_has_no_gradient():
    assert all(view.gradient == {} for view in recurrent_states(tiny_run("embed_text", "lstm")))


def test_networks_without_recurrence_have_no_states():
    assert recurrent_states(tiny_run("classify_text", "text_cnn")) == []


@pytest.mark.parametrize("cell", [keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN])
def test_recurrent_layers_of_keras_in_a_user_network(cell):
    run = run_of("last")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    layer, x = cell(4, name="user"), keras.layers.Embedding(50, 8)(tokens)
    model = keras.Model({"tokens": tokens}, keras.layers.Dense(3, name="logits")(layer(x)))
    (view,) = recurrent_states(TextRun(run.pipeline, run.record, model, {"tokens": run.inputs["tokens"]}, ""))
    vectors = model.layers[1](run.inputs["tokens"])
    np.testing.assert_allclose(view.states["h"][-1], to_array(layer(vectors)), rtol=0, atol=1e-5)
    assert abs(view.gradient["h"]).max() > 0


def test_keras_layers_with_other_activations_have_no_trace():
    assert not is_recurrent(keras.layers.LSTM(4, activation="relu"))
    assert is_recurrent(keras.layers.LSTM(4))
    assert is_recurrent(LSTM(4))
