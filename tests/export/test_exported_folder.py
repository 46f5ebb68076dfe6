"""`zoo.load` of an exported SavedModel: the pipeline that was exported, on any backend; damaged ones are one line."""

import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from hidden_packages import HIDE_TENSORFLOW

import zoo
from zoo.pipeline.exported_network import SETTINGS
from zoo.runtime.errors import UserError

TEXTS = ["a great film", "an awful story", "naïve 日本語", ""]


@pytest.fixture(scope="module")
def exported(model_folder, tmp_path_factory):
    return zoo.load(model_folder).export(tmp_path_factory.mktemp("exports") / "1")


def copy(folder, target):
    return shutil.copytree(folder, target)


def test_it_answers_scores_and_saves_as_the_model_folder(model_folder, exported, reviews, tmp_path):
    original, pipeline = zoo.load(model_folder), zoo.load(exported)
    assert pipeline.predict(TEXTS) == original.predict(TEXTS)
    assert pipeline.scores == original.scores
    assert pipeline.preset == original.preset
    assert pipeline.evaluate(reviews)["accuracy"] == original.evaluate(reviews)["accuracy"]
    pipeline.save(tmp_path)
    assert zoo.load(tmp_path).predict(TEXTS) == original.predict(TEXTS)
    again = zoo.load(zoo.load(exported).export(tmp_path / "2"))
    assert again.predict(TEXTS) == original.predict(TEXTS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_load_it(exported, backend):
    pytest.importorskip(backend)
    code = f"import json, zoo; print(json.dumps(zoo.load({str(exported)!r}).predict({TEXTS!r})))"
    environment = os.environ | {"KERAS_BACKEND": backend}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for actual, expected in zip(json.loads(run.stdout), zoo.load(exported).predict(TEXTS), strict=True):
        assert actual["label"] == expected["label"]
        np.testing.assert_allclose(
            list(actual["probabilities"].values()), list(expected["probabilities"].values()), atol=1e-5
        )


def test_without_tensorflow_it_is_one_line(exported):
    pytest.importorskip("torch")
    code = (
        HIDE_TENSORFLOW
        + f"import zoo\ntry:\n    zoo.load({str(exported)!r})\nexcept zoo.UserError as error:\n    print(error)"
    )
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "Expected TensorFlow to be installed, to read the weights of a SavedModel." in run.stdout, run.stderr
    assert len(run.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / SETTINGS / "preset.json").unlink(), "without preset.json"),
        (lambda folder: (folder / SETTINGS / "network.json").unlink(), "without network.json"),
        (lambda folder: (folder / SETTINGS / "network.json").write_text("{"), "cannot be read: Expected JSON."),
        (lambda folder: shutil.rmtree(folder / "variables"), "cannot be read: "),
        (lambda folder: _truncate(folder / "variables" / "variables.data-00000-of-00001"), "cannot be read: "),
        (lambda folder: _truncate(folder / SETTINGS / "scores.json"), "cannot be read: "),
    ],
)
def test_damaged_folders_are_one_line(exported, tmp_path, damage, message):
    folder = copy(exported, tmp_path / "1")
    damage(folder)
    with pytest.raises(UserError) as error:
        zoo.load(folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="TensorFlow writes the checkpoint")
def test_weights_of_another_precision_are_refused(exported, tmp_path):
    import tensorflow as tf

    folder = copy(exported, tmp_path / "1")
    module = tf.Module()
    module.weights, module.others = [tf.Variable(1.0)], [tf.Variable(2.0)]
    shutil.rmtree(folder / "variables")
    tf.train.Checkpoint(weights=module.weights, others=module.others).write(str(folder / "variables" / "variables"))
    with pytest.raises(UserError, match="can be served, but not loaded: load the model folder"):
        zoo.load(folder)
