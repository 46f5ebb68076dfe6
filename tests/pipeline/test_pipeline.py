"""The Python API: build, train, load, predict, evaluate, and the model folder."""

import json
import os
import subprocess
import sys
from dataclasses import fields

import keras
import numpy as np
import pytest

import zoo
from zoo.objectives import build_model
from zoo.runtime.errors import UserError

TEXTS = ["a great film", "", "AWFUL!", "unheard-of words", "word " * 500]


@pytest.fixture(scope="module")
def trained_pipeline(reviews, tmp_path_factory):
    """A pipeline just trained, and the folder it was saved in."""
    folder = tmp_path_factory.mktemp("pipeline") / "model"
    shrunk = ["architecture=averaging", "architecture.width=8", "training.epochs=1", "objective.length=32"]
    return zoo.train("text_cnn_sst2", data=reviews, to=folder, overrides=shrunk), folder


def test_build_is_compiled_and_trains():
    model = zoo.build("lstm", "classify_text", vocabulary=50, labels=["a", "b"], width=8, units=6)
    random = np.random.default_rng(0)
    ids = random.integers(1, 50, (16, 7), dtype="int32")
    history = model.fit({"tokens": ids}, np.eye(2, dtype="float32")[ids[:, 0] % 2], batch_size=16, epochs=2, verbose=0)
    assert {"loss", "accuracy"} <= set(history.history)
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict({"tokens": ids}, verbose=0).shape == (16, 2)


@pytest.mark.parametrize("architecture", ["mlp", "bert"])
def test_hidden_is_a_width_of_the_architecture(architecture):
    sizes = {"vocabulary": 50, "width": 8, "depth": 1, "heads": 2, "buckets": 64, "length": 16, "hidden": 27}
    known = {field.name for field in fields(zoo.catalog.load("architectures", architecture))}
    sizes = {name: size for name, size in sizes.items() if name in known}
    model = zoo.build(architecture, "classify_text", labels=["a", "b"], dense_activation="tanh", **sizes)
    assert any(27 in weight.shape for weight in model.weights)
    assert model.get_layer("hidden").activation.__name__ == "tanh"


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("lsmt", "classify_text"), {}, "Unknown architecture. Received: 'lsmt'. Did you mean 'lstm'?"),
        (("lstm", "clasify"), {}, "Unknown objective. Received: 'clasify'. Did you mean 'classify_text'?"),
        (("lstm", "classify_text"), {"lables": ["a"]}, "Unknown field. Received: 'lables'. Did you mean 'labels'?"),
    ],
)
def test_build_names_the_nearest(arguments, settings, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        zoo.build(*arguments, **settings)


def test_a_loaded_pipeline_answers_as_the_trained_one(trained_pipeline):
    pipeline, folder = trained_pipeline
    loaded = zoo.load(folder)
    assert loaded.preset == pipeline.preset
    assert loaded.scores == pipeline.scores
    assert loaded.predict(TEXTS) == pipeline.predict(TEXTS)
    assert loaded.evaluate() == pipeline.evaluate() == pipeline.scores["test"]
    assert loaded.evaluate(split="validation") == pipeline.scores["validation"]


def test_predict_takes_a_text_or_a_list(trained_pipeline):
    pipeline, _ = trained_pipeline
    answers = pipeline.predict(TEXTS)
    assert len(answers) == len(TEXTS)
    assert pipeline.predict([]) == []
    for text, answer in zip(TEXTS, answers, strict=True):
        alone = pipeline.predict(text)
        assert alone["label"] in ("good", "bad")
        assert list(alone["probabilities"].values()) == pytest.approx(list(answer["probabilities"].values()), abs=1e-5)


def test_answers_do_not_depend_on_the_batch(trained_pipeline):
    """More texts than fit into one batch, in another order than their lengths."""
    pipeline, _ = trained_pipeline
    texts = [" ".join(["great", *["film"] * (i * 7 % 30)]) for i in range(150)]
    for text, answer in list(zip(texts, pipeline.predict(texts), strict=True))[::29]:
        assert answer["probabilities"]["good"] == pytest.approx(
            pipeline.predict(text)["probabilities"]["good"], abs=1e-5
        )


def test_pairs_are_tuples(tmp_path):
    spec = zoo.catalog.load("tokenizers", "words")()
    tokenizer = spec.train(["a great film", "a dull film"])
    objective = zoo.catalog.load("objectives", "classify_text")(length=16, pair=True, labels=("same", "other"))
    architecture = zoo.catalog.load("architectures", "averaging")(width=8, vocabulary=tokenizer.vocabulary_size)
    preset = zoo.Preset(architecture=architecture, objective=objective, tokenizer=spec)
    pipeline = zoo.Pipeline(build_model(objective, architecture), preset, tokenizer)
    pipeline.save(tmp_path)
    pairs = [("a great film", "a dull film"), ("great", "")]
    answers = zoo.load(tmp_path).predict(pairs)
    assert answers == pipeline.predict(pairs)
    assert pipeline.predict(pairs[0])["label"] in ("same", "other")
    with pytest.raises(ValueError, match="Expected text and text_pair for this model. Received: 1 text"):
        pipeline.predict("a great film")


def test_the_number_of_texts_must_fit_the_inputs(trained_pipeline):
    with pytest.raises(ValueError, match="Expected text for this model. Received: 2 text"):
        trained_pipeline[0].predict(("one", "two"))
    with pytest.raises(ValueError, match="Expected a text to predict from. Received: 5"):
        trained_pipeline[0].predict([5])


@pytest.mark.parametrize("texts", [None, 3, 2.5, b"text", object(), [["a"]], [None], [("a", 3)], [3]])
def test_what_is_no_text_is_refused_in_one_line(trained_pipeline, texts):
    with pytest.raises(UserError, match="Expected a text(, or a list of texts| to predict from).*Received: ") as caught:
        trained_pipeline[0].predict(texts)
    assert "\n" not in str(caught.value)


def test_loading_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(ValueError, match="Expected a folder that zoo train wrote. Received: .*, which does not exist"):
        zoo.load(tmp_path / "model")
    with pytest.raises(ValueError, match="Received: a folder without preset.json, tokenizer.json, model.keras"):
        zoo.load(tmp_path)


def test_a_full_disk_leaves_the_folder_as_it_was(trained_pipeline, monkeypatch):
    pipeline, folder = trained_pipeline

    def full(path):
        raise OSError(28, "No space left on device")

    before = (folder / "tokenizer.json").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: '.*tokenizer.json'"):
        pipeline.tokenizer.save(folder)
    assert (folder / "tokenizer.json").read_bytes() == before
    assert not list(folder.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_a_folder_that_another_backend_trained(reviews, tmp_path, backend):
    if backend == keras.config.backend():
        pytest.skip("it is this process's backend")
    shrunk = ["architecture=lstm", "architecture.width=8", "architecture.units=6", "training.epochs=1"]
    train = [sys.executable, "-m", "zoo", "train", "text_cnn_sst2", "--data", reviews, "--to", tmp_path / "m"]
    environment = os.environ | {"KERAS_BACKEND": backend}
    subprocess.run([*train, *shrunk], env=environment, capture_output=True, check=True)
    evaluate = [sys.executable, "-m", "zoo", "evaluate", tmp_path / "m", "--json"]
    output = subprocess.run(evaluate, env=environment, capture_output=True, text=True, check=True).stdout
    scores = json.loads(output)
    del scores["comparison"]  # no number
    assert zoo.load(tmp_path / "m").evaluate() == pytest.approx(scores)
