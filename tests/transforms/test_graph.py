"""The graph of a functional model as steps, and who may use Keras's private graph traversal."""

import ast
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

import zoo
from zoo.transforms.graph import Graph, capture


def functional_model():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    x = layers.Add(name="sum")([layers.Dense(4, name="dense")(a), b @ ops.ones((3, 4))])
    return keras.Model({"a": a, "b": b}, layers.Concatenate(name="both")([x, layers.ReLU(name="relu")(x)]))


def arrays():
    random = np.random.default_rng(0)
    return {name: ops.convert_to_tensor(random.normal(size=(2, 3)), "float32") for name in "ab"}


def assert_close(x, y):
    np.testing.assert_allclose(ops.convert_to_numpy(x), ops.convert_to_numpy(y), rtol=1e-6)


def test_steps_compute_what_the_model_computes():
    model, names = functional_model(), []

    def call(step, *args, **kwargs):
        names.append(step.layer.name)
        return step.layer(*args, **kwargs)

    assert_close(Graph(model).run(arrays(), call), model(arrays()))
    assert {"dense", "sum", "relu", "both"} <= set(names)
    assert names == [step.layer.name for step in Graph(model).steps]


def test_a_step_follows_the_steps_that_it_reads():
    graph, known = Graph(functional_model()), set()
    known.update(graph.inputs.values())
    for step in graph.steps:
        assert known.issuperset(step.reads())
        known.update(step.outputs)


def test_symbolic_tensors_make_a_model_with_the_same_weights():
    model = functional_model()
    inputs = {name: keras.Input((3,), name=name) for name in "ab"}
    copy = keras.Model(inputs, Graph(model).run(inputs))
    assert [id(weight) for weight in copy.weights] == [id(weight) for weight in model.weights]
    assert_close(copy(arrays()), model(arrays()))


def test_steps_of_models_within_a_model_are_steps_of_the_model():
    tokens = keras.Input((3,), name="tokens")
    model = keras.Model(tokens, {"y": functional_model()({"a": tokens, "b": layers.Dense(3, name="first")(tokens)})})
    graph, x = Graph(model), arrays()["a"]
    assert {"first", "dense", "relu"} <= {step.layer.name for step in graph.steps}
    assert not [step for step in graph.steps if isinstance(step.layer, keras.Model)]
    assert_close(graph.run({"tokens": x})["y"], model(x)["y"])


def test_inputs_and_outputs_of_layers_are_captured():
    model = functional_model()
    captured = capture(model, arrays(), ["dense", "both"])
    assert set(captured) == {"dense", "both"}
    (x,), kwargs, y = captured["dense"]
    assert not kwargs
    assert_close(x, arrays()["a"])
    assert_close(y, model.get_layer("dense")(x))
    assert_close(captured["both"][2], model(arrays()))


def test_a_patched_tensor_changes_what_depends_on_it_alone():
    model, names = functional_model(), []
    graph = Graph(model)
    values = graph.values(arrays())
    assert_close(graph.outputs_of(values), model(arrays()))
    steps = {step.layer.name: step for step in graph.steps}
    dense = steps["dense"].outputs[0]
    sums = [values[ref] for ref in steps["sum"].reads() if ref is not dense]
    for step in graph.steps:
        step.run = lambda *args, step=step: (names.append(step.layer.name), type(step).run(step, *args))
    x = values[dense] - 1
    expected = x + sums[0]
    assert_close(graph.patch(values, dense, x), ops.concatenate([expected, ops.relu(expected)], axis=-1))
    assert names == ["sum", "relu", "both"]
    assert_close(graph.outputs_of(values), model(arrays()))


def test_only_the_graph_walks_the_graph_of_keras():
    package = Path(zoo.__file__).parent
    users = set()
    for path in package.rglob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        users |= {path.relative_to(package).as_posix() for name in names if name in ("run_graph", "_run_through_graph")}
    assert users == {"transforms/graph.py", "backend/keras_private.py"}
