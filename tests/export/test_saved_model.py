"""The exported SavedModel, run as a stock server runs it: XLA disabled before TensorFlow's first operation."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny import TRAINABLE, compatible, one_of_each_family
from tokenizers import normalizers

import zoo
from zoo import catalog, config
from zoo.export.saved_model import export
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data

TEXTS = [
    "a great lovely film",
    "",
    "AWFUL story!!",
    "naïve 日本語 👩‍👩‍👧 e\u0301",
    "word " * 300,
    "tab\tand\nline\x00nul",
]


def assert_equal(pipeline, exported, texts):
    """The same labels in the same order, and probabilities equal to 1e-5."""
    for text, labels, probabilities in zip(texts, exported["labels"], exported["probabilities"], strict=True):
        expected = pipeline.predict(text)["probabilities"]
        np.testing.assert_allclose(probabilities, [expected[label] for label in labels], atol=1e-5)
        np.testing.assert_allclose(probabilities, list(expected.values()), atol=1e-5)


def shrink(tiny, architecture, tokenizer):
    small = {"width": 8, "hidden": 8, "heads": 2, "depth": 1, "units": 6, "filters": 4, "buckets": 64, "kv_heads": 1}
    parts = {"architecture": architecture, "tokenizer": tokenizer}
    fields = [name for name in small if hasattr(catalog.load("architectures", architecture), name)]
    assignments = [f"{part}={name}" for part, name in parts.items()] + [f"architecture.{f}={small[f]}" for f in fields]
    return config.override(replace(tiny, training=replace(tiny.training, epochs=1)), assignments)


PAIRS = {  # every tokenizer once; architectures that are not here are exported with words
    "averaging": "words",
    "conv": "byte_pairs",
    "gru": "bytes",
    "lstm": "word_pieces",
    "mlp": "characters",
    "rnn": "words",
    "text_cnn": "word_pieces",
    "transformer_encoder": "byte_pairs",
}


def test_all_tokenizers_are_exported():
    assert set(PAIRS) <= set(compatible(ClassifyText()))
    assert set(PAIRS.values()) == set(TRAINABLE)


def slow_beyond_tensorflow(architecture):
    """A parameter that is slow on other backends, where each export starts a process, but for one architecture.

    Of each family one architecture is exported there: the graph is traced on TensorFlow whichever backend trained.
    """
    names = compatible(ClassifyText())
    if keras.config.backend() == "tensorflow" or architecture == "lstm":
        return architecture
    once = () if architecture in one_of_each_family(names) else (pytest.mark.elsewhere,)
    return pytest.param(architecture, marks=(pytest.mark.slow, *once))


@pytest.mark.parametrize("architecture", [slow_beyond_tensorflow(name) for name in compatible(ClassifyText())])
def test_a_served_model_answers_as_predict_does(tiny, tmp_path, serve, architecture):
    preset = shrink(tiny, architecture, PAIRS.get(architecture, "words"))
    pipeline = zoo.train(preset, to=tmp_path / "m")
    actual, ops = serve(pipeline.export(tmp_path / "m" / "1"), text=TEXTS)
    assert_equal(pipeline, actual, TEXTS)
    assert "BatchFunction" in ops


def test_encode_and_logits(tiny, tmp_path, serve):
    pipeline = zoo.train(shrink(tiny, "lstm", "word_pieces"), to=tmp_path / "m")
    folder = pipeline.export(tmp_path / "m" / "1", batching=False)
    rows, ops = serve(folder, signature="encode", text=TEXTS)
    assert "BatchFunction" not in ops
    for i, encoding in enumerate(pipeline.tokenizer.encode_batch(TEXTS)):
        count = rows["length"][i]
        assert rows["ids"][i][:count] == encoding.ids.tolist()
        assert set(rows["ids"][i][count:]) <= {pipeline.tokenizer.padding}
        for column, name in enumerate(("starts", "ends")):
            assert rows[name][i][:count] == encoding.offsets[:, column].tolist()
            assert set(rows[name][i][count:]) <= {-1}
    ids = np.array(rows["ids"], "int32")
    logits, _ = serve(folder, signature="logits", tokens=ids.tolist())
    expected = keras.ops.convert_to_numpy(pipeline.model({"tokens": ids}, training=False))
    np.testing.assert_allclose(logits["logits"], expected, atol=1e-5)
    empty, _ = serve(folder, signature="encode", text=[])
    assert empty == {"ids": [], "starts": [], "ends": [], "length": []}


def test_saved_model_cli_shows_the_signature_and_runs_it_in_a_session(model_folder, tmp_path):
    folder = zoo.load(model_folder).export(tmp_path / "1")
    cli = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    serve = ["--dir", str(folder), "--tag_set", "serve", "--signature_def", "serving_default"]
    displayed = subprocess.run([*cli, "show", *serve], capture_output=True, text=True, check=True).stdout
    assert "inputs['text'] tensor_info:" in displayed
    assert "outputs['labels'] tensor_info:" in displayed
    assert "outputs['probabilities'] tensor_info:" in displayed
    texts = "text=['great film', 'awful film']"
    run = subprocess.run([*cli, "run", *serve, "--input_exprs", texts], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "b'good' b'bad'" in run.stdout
    assert "b'bad' b'good'" in run.stdout


def test_several_labels_and_pairs(tiny, tmp_path, serve):
    rows = [
        {"text": "red round", "text_pair": "big", "labels": ["x", "y"]},
        {"text": "blue", "text_pair": "", "labels": []},
    ]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 30))
    objective = replace(tiny.objective, multi_label=True, pair=True)
    preset = replace(tiny, objective=objective, data=Data(spec=str(tmp_path / "d.jsonl")))
    pipeline = zoo.train(preset, to=tmp_path / "m")
    actual, _ = serve(pipeline.export(tmp_path / "1"), text=["red round", "blue"], text_pair=["big", ""])
    assert_equal(pipeline, actual, [("red round", "big"), ("blue", "")])
    pairs = [("red round", "big"), ("blue", "")]
    for labels, selected, pair in zip(actual["labels"], actual["selected"], pairs, strict=True):
        assert [label for label, yes in zip(labels, selected, strict=True) if yes] == pipeline.predict(pair)["labels"]


def test_an_existing_folder_is_not_overwritten(model_folder, tmp_path):
    with pytest.raises(ValueError, match=r"Expected a new folder to export to. Received: .*, which exists."):
        zoo.load(model_folder).export(tmp_path)


def test_a_failed_export_leaves_nothing(model_folder, tmp_path):
    broken = zoo.load(model_folder)
    broken.tokenizer.backend.normalizer = normalizers.NFKD()
    with pytest.raises(ValueError, match="NFKD"):
        broken.export(tmp_path / "1")
    assert not Path(tmp_path / "1").exists()


def test_exporting_a_classifier_imports_no_text_generation(model_folder, tmp_path):
    code = f"""
import sys
from zoo.export.__main__ import main
main({str(model_folder)!r}, {str(tmp_path / "1")!r})
assert not [name for name in sys.modules if name.startswith("zoo.generation")]
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "1" / "saved_model.pb").is_file()


def test_user_errors_of_the_export_process_are_one_line(tmp_path):
    folder = str(tmp_path / "nowhere")
    command = [sys.executable, "-m", "zoo.export", folder, str(tmp_path / "1")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.strip().splitlines()[-1].startswith("Expected a folder that zoo train wrote. Received: ")
    run = subprocess.run(command[:-1], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "the following arguments are required: folder" in run.stderr


def test_the_outputs_of_every_objective_are_documented():
    assert not [name for name in catalog.names("objectives") if name not in export.__doc__]
    for name in (
        "generate",
        "encode",
        "logits",
        "labels",
        "probabilities",
        "selected",
        "score",
        "vector",
        "follows",
        "answer",
        "no_answer",
        "guesses",
    ):
        assert name in export.__doc__
