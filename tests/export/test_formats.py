"""Networks in the formats of other runtimes: which architectures work, equal outputs, precision, refusals."""

import importlib
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tokenizers
from tiny_networks import tiny_model

import zoo
from zoo import catalog
from zoo.export.export_options import FLOAT16, FLOAT32, INT8
from zoo.export.formats.graph_network import GraphNetwork
from zoo.export.formats.network_export import FORMATS
from zoo.export.formats.output_comparison import fixed_batches, largest_difference
from zoo.export.precision import rounded_weights
from zoo.runtime.console import silence

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow converts: tested on that backend", allow_module_level=True)

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
QUICK = ("averaging", "gpt2")
LENGTH = 16


def module_of(format):
    """The module of a format; skips the test where its packages are missing."""
    module = importlib.import_module(FORMATS[format])
    for package in module.PACKAGES:
        pytest.importorskip(package)
    return module


def random_batches(model):
    """Batches of several sizes; the last row of each is padded with 0."""
    random, batches = np.random.default_rng(0), []
    for rows, time in ((1, 5), (1, LENGTH), (3, 9)):
        limits = {name: 2 if name == "segments" else 40 for name in model.input}
        batch = {name: random.integers(limit > 2, limit, (rows, time), "int32") for name, limit in limits.items()}
        for ids in batch.values():
            ids[-1, time // 2 :] = 0
        batches.append(batch)
    return batches


def outcome(architecture, format, folder, precision=FLOAT32):
    """What the table of docs/export.md says of an architecture in a format."""
    module, model = module_of(format), tiny_model(architecture)
    network, batches = GraphNetwork(model, precision, LENGTH), random_batches(model)
    try:
        with silence():
            fixed = module.write(network, folder)
            batches = fixed_batches(batches, LENGTH, 0) if fixed else batches
            run, tolerance = module.runner(folder)
            largest_difference(network.trace(fixed).network, run, batches, tolerance, module.FILE)
    except zoo.UserError as error:
        operations = re.search(r"Received: (\w+), which the layer \S+ uses", str(error))
        differ = str(error).startswith("Expected outputs of ")
        return f"no: {operations[1]}" if operations else "no: outputs differ" if differ else "no: does not run"
    return "fixed length" if fixed else "yes"


def documented():
    """{architecture: {format: outcome}} of the table of docs/export.md."""
    table = re.search(r"\| architecture \|(.*?)\n\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table[0].strip().splitlines()]
    names = [name.lower() for name in rows[0][1:]]
    return {row[0].strip("`"): dict(zip(names, row[1:], strict=True)) for row in rows[2:]}


def test_the_table_has_every_architecture_and_format():
    assert list(documented()) == list(catalog.names("architectures"))
    assert all(list(row) == list(FORMATS) for row in documented().values())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "architecture",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in catalog.names("architectures")],
)
def test_the_table_is_true(architecture, format, tmp_path):
    assert outcome(architecture, format, tmp_path) == documented()[architecture][format]


def export(pipeline, folder, format, **options):
    """Export to a format whose packages are installed; returns the description."""
    module_of(format)
    pipeline.export(folder, format, **options)
    return json.loads((folder / "description.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("format", "precision"), [("onnx", INT8), ("onnx", FLOAT16), ("openvino", INT8), ("litert", FLOAT16)]
)
def test_an_export_answers_texts(format, precision, model_folder, tmp_path, capsys):
    pipeline = zoo.load(model_folder)
    description = export(pipeline, tmp_path / "out", format, precision=precision)
    printed = capsys.readouterr().err
    module = importlib.import_module(FORMATS[format])
    assert f"{tmp_path / 'out' / module.FILE}: outputs differ from the model's by at most " in printed
    assert f"Weights in {precision}: " in printed
    assert description["precision"] == precision
    assert description["largest_difference"] < 1e-2
    run, tolerance = module.runner(tmp_path / "out")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    ids = tokenizer.encode("a great film").ids
    if description["inputs"]["tokens"][0] == 1:
        ids += [description["padding"]] * (description["inputs"]["tokens"][1] - len(ids))
    (logits,) = run({"tokens": np.array([ids], "int32")})["logits"]
    with rounded_weights(pipeline.model, precision):
        probabilities = pipeline.predict("a great film")["probabilities"]
    expected = [probabilities[label] for label in pipeline.objective.labels]
    np.testing.assert_allclose(keras.ops.softmax(logits), expected, atol=tolerance)


@pytest.mark.parametrize("precision", [FLOAT16, INT8])
def test_onnx_stores_rounded_weights(precision, tmp_path):
    module_of("onnx")
    import onnx

    assert outcome("averaging", "onnx", tmp_path, precision) == "yes"
    types = {
        onnx.TensorProto.DataType.Name(item.data_type) for item in onnx.load(tmp_path / "model.onnx").graph.initializer
    }
    assert precision.upper() in types


def test_int8_of_litert_is_refused(tmp_path):
    with pytest.raises(zoo.UserError, match="LiteRT, whose int8 kernels round activations too"):
        module_of("litert").write(GraphNetwork(tiny_model("averaging"), INT8, LENGTH), tmp_path)


def test_a_refusal_names_operation_and_layer(tmp_path):
    with pytest.raises(zoo.UserError, match="Received: UniqueWithCounts, which the layer weights uses"), silence():
        module_of("litert").write(GraphNetwork(tiny_model("mlp"), FLOAT32, LENGTH), tmp_path)


def test_a_failed_comparison_leaves_nothing(model_folder, tmp_path, monkeypatch):
    module = module_of("litert")
    run = {"logits": np.zeros((1, 2), "float32")}
    monkeypatch.setattr(module, "runner", lambda folder: (lambda batch: run, 1e-3))
    with pytest.raises(zoo.UserError, match="Expected outputs of model.tflite that differ .* Nothing was written."):
        zoo.load(model_folder).export(tmp_path / "out", "litert")
    assert not list(tmp_path.iterdir())


def test_not_a_number_and_errors_of_the_runtime_are_refused():
    batch = {"tokens": np.ones((1, 2), "int32")}

    def network(tokens):
        return {"logits": keras.ops.ones((1, 2))}

    assert largest_difference(network, lambda _: {"logits": np.ones((1, 2))}, [batch], 1e-3, "f") == 0
    with pytest.raises(zoo.UserError, match="Received: a difference of nan."):
        largest_difference(network, lambda _: {"logits": np.full((1, 2), np.nan)}, [batch], 1e-3, "f")
    with pytest.raises(zoo.UserError, match="Expected f to run on example texts. Received: an error .* no memory"):
        largest_difference(network, fail, [batch], 1e-3, "f")


def fail(batch):
    raise RuntimeError("no memory")


def test_rows_of_a_fixed_length():
    batches = [{"tokens": np.array([[1, 2, 3]]), "segments": np.array([[1, 1, 1]])}, {"tokens": np.ones((2, 2))}]
    (row,) = fixed_batches(batches, 4, 9)
    assert {name: ids.tolist() for name, ids in row.items()} == {"tokens": [[1, 2, 3, 9]], "segments": [[1, 1, 1, 0]]}
    assert fixed_batches(batches, 2, 9)[0]["tokens"].tolist() == [[1, 2]]


def test_missing_packages_and_unknown_formats_are_one_line(model_folder, tmp_path, monkeypatch):
    pipeline = zoo.load(model_folder)
    monkeypatch.setattr("zoo.export.formats.network_export.find_spec", lambda name: None)
    with pytest.raises(zoo.UserError, match=re.escape('pip install "keras-text-zoo[onnx]"')):
        pipeline.export(tmp_path / "out", "onnx")
    with pytest.raises(zoo.UserError, match="Unknown format. Received: 'onx'. Did you mean 'onnx'?"):
        pipeline.export(tmp_path / "out", "onx")
    with pytest.raises(zoo.UserError, match="Expected deploy for a SavedModel. Received: deploy=True, format='onnx'."):
        pipeline.export(tmp_path / "out", "onnx", deploy=True)
    assert not list(tmp_path.iterdir())
