"""Adapters: saved without their backbone, merged into it, several on it in memory, refused on another backbone."""

import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
from kill import KilledError, kill_after
from references import Golden, write_tokenizer
from safetensors.numpy import load_file, save_file
from small_classifier import TEXTS, preset, probabilities

import zoo
from zoo.adapters.adapter import Adapter
from zoo.adapters.merging import Backbone
from zoo.checkpoints.folder import import_folder


@pytest.fixture(scope="module")
def pipelines(bert, rows, tmp_path_factory):
    """{model folder: pipeline} of two adapters of different ranks on the same backbone."""
    root = tmp_path_factory.mktemp("adapters")
    return {
        str(root / name): zoo.train(preset(rows, rank, seed=rank), to=root / name, init=str(bert))
        for name, rank in {"one": 2, "two": 3}.items()
    }


def test_a_run_saves_a_merged_model_and_its_adapter(bert, pipelines):
    (folder, pipeline), *_ = pipelines.items()
    assert probabilities(zoo.load(folder)) == pytest.approx(probabilities(pipeline), rel=1e-5)
    pretrained = {w.path: keras.ops.convert_to_numpy(w.value) for w in import_folder(bert).model.weights}
    for weight in Backbone(folder).model.weights:
        changed = (keras.ops.convert_to_numpy(weight.value) != pretrained[weight.path]).any()
        assert changed == (weight.path.endswith("kernel") and "attention/" in weight.path), weight.path
    tensors = load_file(f"{folder}/adapter.safetensors")
    assert {name.rpartition("/")[0] for name in tensors if not name.startswith("block")} == {"logits"}
    assert tensors["block0_attention/query/kernel.a"].shape == (16, 2)


def test_a_merged_adapter_is_the_model_that_was_trained(bert, pipelines):
    for folder, pipeline in pipelines.items():
        merged = zoo.merge(bert, folder)
        assert probabilities(merged) == pytest.approx(probabilities(pipeline), rel=1e-5)
        assert merged.objective == pipeline.objective


def test_several_adapters_on_one_backbone(bert, pipelines, tmp_path):
    adapters, (first_folder, second_folder) = zoo.Adapters(bert), pipelines
    adapters.add("one", first_folder).add("two", f"{second_folder}/adapter.safetensors")
    assert list(adapters) == ["one", "two"]
    expected = {"one": probabilities(pipelines[first_folder]), "two": probabilities(pipelines[second_folder])}
    assert expected["one"] != pytest.approx(expected["two"], rel=1e-2)
    for name in ("one", "two", "one"):
        assert probabilities(adapters[name]) == pytest.approx(expected[name], rel=1e-5)
    first, second = ({id(w): w.path for w in adapters[name].model.weights} for name in adapters)
    assert {first[i] for i in first.keys() & second.keys()} == adapters.backbone.paths
    adapters["one"].save(tmp_path)
    assert probabilities(zoo.load(tmp_path)) == pytest.approx(expected["one"], rel=1e-5)
    with pytest.raises(ValueError, match=r"Expected a new name for an adapter. Received: 'two', which is taken"):
        adapters.add("two", second_folder)
    with pytest.raises(ValueError, match=r"Unknown adapter. Received: 'on'. Did you mean 'one'\?"):
        adapters["on"]
    adapters.remove("one")
    assert probabilities(adapters["two"]) == pytest.approx(expected["two"], rel=1e-5)


@pytest.mark.parametrize("kind", ["merged", "one of several"])
def test_an_export_answers_as_its_adapter_does(bert, pipelines, tmp_path, kind):
    tf, (first, second) = pytest.importorskip("tensorflow"), pipelines
    adapters = zoo.Adapters(bert).add("one", first).add("two", second)
    pipeline = zoo.merge(bert, first) if kind == "merged" else adapters["one"]
    adapters.activate(adapters["two"].updates)
    folder = pipeline.export(tmp_path / "1")
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"](text=tf.constant(TEXTS))
    labels, scores = (answer[name].numpy().tolist() for name in ("labels", "probabilities"))
    good = [row[names.index(b"good")] for names, row in zip(labels, scores, strict=True)]
    assert good == pytest.approx(probabilities(pipeline), abs=1e-5)
    assert good == pytest.approx(probabilities(pipelines[first]), abs=1e-5)
    assert good != pytest.approx(probabilities(pipelines[second]), abs=1e-2)
    assert probabilities(zoo.load(folder)) == pytest.approx(good, abs=1e-5)


def test_a_backbone_has_the_same_fingerprint_on_each_backend_and_imported(bert, tmp_path):
    assert Backbone(zoo.import_model(bert, tmp_path / "ours")).fingerprint == Backbone(bert).fingerprint
    assert Backbone(bert).fingerprint == "95f1f90147aa13db1ed2255fc61cf174"


def test_another_backbone_is_refused(bert, pipelines, tmp_path):
    folder = next(iter(pipelines))
    tensors = Golden("bert").part("tensor")
    name = "bert.embeddings.word_embeddings.weight"
    write_tokenizer(Golden("bert").write(tmp_path / "other", tensors | {name: tensors[name] + 0.01}))
    adapters = zoo.Adapters(tmp_path / "other")
    message = rf"Expected the backbone that the adapter was trained on, \w+ \(then {bert}\). Received: \w+, .*other"
    with pytest.raises(ValueError, match=message):
        adapters.add("one", folder)
    assert list(adapters) == []


def test_other_files_are_refused(bert, pipelines, tmp_path):
    full = next(iter(pipelines)) + "/adapter.safetensors"
    pickled, truncated, unrelated, incomplete = (
        tmp_path / name for name in ("a.bin", "cut.safetensors", "b.safetensors", "c.safetensors")
    )
    pickled.write_bytes(pickle.dumps({}))
    truncated.write_bytes(Path(full).read_bytes()[:-8])
    save_file({"x": np.zeros(2, "float32")}, unrelated)
    adapter = Adapter.load(full)
    del adapter.tensors["logits/bias"]
    adapter.save(incomplete)
    messages = {
        pickled: "a pickle, which is never read",
        truncated: "Expected a whole safetensors file. Received: .*cut.safetensors, which is truncated or damaged",
        unrelated: "Expected an adapter, adapter.safetensors of a run with lora.rank. Received: .*, other tensors",
        incomplete: r"Expected logits/bias of shape \(2,\) in the adapter. Received: none",
        tmp_path: "adapter.safetensors, which does not exist",
    }
    for path, message in messages.items():
        with pytest.raises(ValueError, match=message) as caught:
            zoo.merge(bert, path)
        assert "\n" not in str(caught.value)


def test_a_killed_run_resumes_to_the_same_adapter(bert, rows, pipelines, tmp_path, monkeypatch):
    full, learner = next(iter(pipelines)), preset(rows, 2, seed=2)
    kill_after(monkeypatch, 2)
    with pytest.raises(KilledError):
        zoo.train(learner, to=tmp_path / "cut", init=str(bert))
    monkeypatch.undo()
    resumed = zoo.train(learner, to=tmp_path / "cut", init=str(bert), resume=True)
    assert probabilities(resumed) == pytest.approx(probabilities(pipelines[full]), rel=1e-5)
    expected, actual = (load_file(f"{folder}/adapter.safetensors") for folder in (full, tmp_path / "cut"))
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, atol=1e-6)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lora.rank=-1", "Expected lora.rank to be 0 or more. Received: -1"),
        ("lora.alpha=0", "Expected lora.alpha to be above 0. Received: 0.0"),
        ("lora.dropout=1", "Expected lora.dropout to be 0 or more and below 1. Received: 1.0"),
        (
            "lora.targets=atention",
            r"Expected lora.targets to be found in a kernel's path. Received: 'atention'. Kernels: "
            "block0_attention/key/kernel, ",
        ),
        ("lora.targets=(", r"Expected lora.targets to be a regular expression \(.*\). Received: '\('"),
    ],
)
def test_bad_settings(bert, rows, tmp_path, setting, message):
    with pytest.raises(ValueError, match=message):
        zoo.train(preset(rows), to=tmp_path / "m", init=str(bert), overrides=[setting])
    assert not list(tmp_path.iterdir())


def test_a_backbone_is_needed(rows, tmp_path):
    with pytest.raises(ValueError, match="lora.rank needs weights to start from: give --from FOLDER. Received: none"):
        zoo.train(preset(rows), to=tmp_path / "m")
