"""Training programs on torch: traced, compiled and replayed steps train as Keras's own step does."""

from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tiny import NO_DROPOUT, shrink

from zoo import catalog
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.presets import Training
from zoo.training.optimizer import build_optimizer

torch = pytest.importorskip("torch")
torch_program = import_module("zoo.backend.torch_program")
torch_training = import_module("zoo.backend.torch_training")
torch_replay = import_module("zoo.backend.torch_replay")
pytestmark = pytest.mark.skipif(keras.config.backend() != "torch", reason="torch's training step")

OBJECTIVES = (ClassifyText(labels=("a", "b", "c"), dropout=0.0), NextToken(), Translate())
ROWS, TIME = 4, 12
RECURRENT = ("lstm", "gru", "rnn", "lstm_cnn", "rnn_seq2seq")  # whose kernels are fused already


def batch_for(model, seed):
    """Random ids, right-padded to different lengths, with targets in the shape of the model's output."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, TIME + 1, ROWS)[:, None]
    inputs = {
        name: (random.integers(2, 20, (ROWS, TIME)) * (np.arange(TIME) < lengths)).astype("int32")
        for name in model.input
    }
    inputs |= {name: np.zeros((ROWS, TIME), "int32") for name in inputs if name == "segments"}
    if len(model.output.shape) == 2:
        return inputs, np.eye(3, dtype="float32")[random.integers(0, 3, ROWS)], np.ones(ROWS, "float32")
    return inputs, random.integers(2, 20, (ROWS, TIME)).astype("int32"), np.ones((ROWS, TIME), "float32")


def network(name, precision="float32", **fields):
    """A small network of an architecture, compiled with the first objective that it serves, without dropout."""
    keras.utils.set_random_seed(0)
    architecture = shrink(name, **NO_DROPOUT | fields)
    objective = next(task for task in OBJECTIVES if not catalog.incompatibility(task, architecture))
    keras.config.set_dtype_policy(precision)
    try:
        model = build_model(objective, architecture)
    finally:
        keras.config.set_dtype_policy("float32")
    return compile_model(objective, model, build_optimizer(Training(learning_rate=1e-2, warmup=0.0), model, 100))


def losses(model, batches):
    """The logs of a training step with each batch."""
    rows = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append([float(value) for value in logs.values()])

    stream = (batch for batch in batches)
    model.fit(stream, steps_per_epoch=len(batches), callbacks=[Record()], verbose=0, shuffle=False)
    return np.array(rows)


def trained(model, batches):
    """(logs, weights) after a training step with each batch."""
    return losses(model, batches), [weight.numpy() for weight in model.trainable_variables]


def same_training(name, tolerance=1e-5, steps=3, **options):
    """Train by Keras's step and by a program; they must agree. Returns the `CompiledTraining`."""
    eager, compiled = network(name, **options), network(name, **options)
    compiled.train_function = step = torch_training.CompiledTraining(compiled)
    batches = [batch_for(eager, seed) for seed in range(steps)]
    (expected, weights), (logs, program_weights) = trained(eager, batches), trained(compiled, batches)
    np.testing.assert_allclose(logs, expected, rtol=tolerance, atol=tolerance)
    for before, after in zip(weights, program_weights, strict=True):
        np.testing.assert_allclose(after, before, atol=10 * tolerance)
    return step


@pytest.fixture
def uncompiled(monkeypatch):
    """Programs run as the graphs that were traced: what is left out is Inductor."""
    monkeypatch.setattr(torch_program.torch, "compile", lambda graph, **options: graph)


@pytest.mark.parametrize("name", catalog.names("architectures"))
@pytest.mark.usefixtures("uncompiled")
def test_every_architecture_trains_as_with_keras(name):
    step = same_training(name)
    assert step.eager == (name in RECURRENT)
    assert len(step.programs) == (0 if step.eager else 1)


@pytest.mark.usefixtures("uncompiled")
def test_a_program_for_each_shape_and_random_numbers_that_differ():
    model = network("bert", dropout=0.5)
    model.train_function = step = torch_training.CompiledTraining(model)
    batch = batch_for(model, 0)
    first, second = losses(model, [batch] * 2)[:, -1]
    assert first != second
    state = torch.get_rng_state()
    torch_program.TrainingProgram(model, batch)
    assert torch.equal(state, torch.get_rng_state())  # tracing draws none, so a resumed run draws the same
    short = ({name: ids[:, :8] for name, ids in batch[0].items()}, *batch[1:])
    losses(model, [short, batch, short])
    assert len(step.programs) == 2


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 3e-2)])
def test_inductor_computes_the_losses_of_keras(precision, tolerance):
    step = same_training("gpt2", tolerance, precision=precision, dropout=0.0)
    assert not step.eager


class HostSync(keras.layers.Layer):
    """A layer whose result depends on a number that it reads from the device."""

    def call(self, x):
        return x * float(keras.ops.max(x) > 0)


def test_a_network_that_cannot_be_traced_is_trained_by_keras():
    inputs = keras.Input((3,), name="x")
    model = keras.Model({"x": inputs}, keras.layers.Dense(1)(HostSync()(inputs)))
    model.compile("adam", "mse")
    model.train_function = torch_training.CompiledTraining(model)
    batch = ({"x": np.ones((4, 3), "float32")}, np.zeros((4, 1), "float32"))
    with pytest.warns(UserWarning, match="Training without compilation, which is slower"):
        first, *_, last = losses(model, [batch] * 5)[:, 0]
    assert last < first


def test_a_step_is_compiled_on_a_gpu_where_it_pays(monkeypatch):
    monkeypatch.setattr(torch_training.torch.cuda, "is_available", lambda: False)
    model = network("bert")
    assert model.train_function is None
    monkeypatch.setattr(torch_training.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch_training.torch.cuda, "graph_pool_handle", lambda: None)
    for batches, compiled in {None: True, torch_training.PAYS_FROM: True, torch_training.PAYS_FROM - 1: False}.items():
        torch_training.set_train_function(model, batches)
        assert isinstance(model.train_function, torch_training.CompiledTraining) == compiled


@pytest.mark.usefixtures("uncompiled")
def test_a_shape_is_compiled_after_the_delay():
    model = network("bert")
    model.train_function = step = torch_training.CompiledTraining(model, delay=2)
    batch = batch_for(model, 0)
    losses(model, [batch] * 2)
    assert not step.programs
    losses(model, [batch])
    assert len(step.programs) == 1


def use_fake_graphs(monkeypatch, graph, capture):
    """Let `Replay` capture graphs of a class of ours, on a machine without CUDA."""
    fake = SimpleNamespace(CUDAGraph=graph, graph=capture, current_stream=int, set_stream=int, Stream=int)
    monkeypatch.setattr(torch_replay.torch, "cuda", fake)


def test_a_replay_reads_new_inputs_and_writes_the_same_outputs(monkeypatch):
    calls = []

    def double(arrays, scalar):
        calls.append(len(calls))
        return [array * scalar for array in arrays]

    class Graph:
        def replay(self):
            for output, new in zip(replay.outputs, double(replay.inputs[:-1], replay.inputs[-1]), strict=True):
                output.copy_(new)

    @contextmanager
    def capture(graph, **options):
        yield

    use_fake_graphs(monkeypatch, Graph, capture)
    replay = torch_replay.Replay(double, 2, None)
    results = [replay([torch.full((2,), float(i))], torch.tensor(3.0))[0] for i in range(5)]
    assert [float(result[0]) for result in results] == [0.0, 3.0, 12.0, 12.0, 12.0]  # replays share their outputs
    assert results[2] is results[4]


def test_a_refused_capture_leaves_the_function_as_it_is(monkeypatch):
    @contextmanager
    def capture(graph, **options):
        yield
        raise RuntimeError("operation not permitted when stream is capturing")

    use_fake_graphs(monkeypatch, object, capture)
    replay = torch_replay.Replay(lambda arrays, scalar: arrays[0] * scalar, 1, None)
    replay([torch.ones(1)], torch.tensor(2.0))
    with pytest.warns(UserWarning, match="Training without a CUDA graph"):
        replay([torch.ones(1)], torch.tensor(2.0))
    assert float(replay([torch.ones(1)], torch.tensor(4.0))) == 4.0
