"""A model of the mean weights of several."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from learners import preset, write_rows
from references import Golden, write_tokenizer

import zoo


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of two models fine-tuned from the same weights, and the folder of their rows."""
    base = tmp_path_factory.mktemp("soup")
    bert = Golden("bert").write(base / "bert")
    write_tokenizer(bert, 38)
    (base / "rows").mkdir()
    rows = write_rows(base / "rows")
    for name, seed in (("one", 0), ("two", 1)):
        zoo.train(preset(rows, rank=0, seed=seed), to=base / name, init=str(bert))
    return base / "one", base / "two", rows, bert


def kernels(pipeline):
    return [ops.convert_to_numpy(weight.value) for weight in pipeline.model.weights]


def test_the_mean_of_weights_is_a_model(models, tmp_path):
    this, two, *_ = models
    averaged, (left, right) = zoo.average([this, two], tmp_path / "both"), map(zoo.load, (this, two))
    assert not all(np.array_equal(*pair) for pair in zip(kernels(left), kernels(right), strict=True))
    for mean, *pair in zip(*map(kernels, (averaged, left, right)), strict=True):
        np.testing.assert_allclose(mean, (pair[0] + pair[1]) / 2, atol=1e-6)
    loaded = zoo.load(tmp_path / "both")
    assert loaded.scores == averaged.scores
    assert averaged.scores["validation"]["accuracy"] == averaged.evaluate(split="validation")["accuracy"]


def test_a_model_averaged_with_itself_is_itself(models, tmp_path):
    averaged, alone = zoo.average([models[0]] * 3, tmp_path / "same"), zoo.load(models[0])
    assert averaged.predict("w9 w7")["probabilities"] == pytest.approx(alone.predict("w9 w7")["probabilities"])


def test_without_its_data_a_model_is_not_scored(models, tmp_path, capsys):
    this, two, *_ = models
    for folder in (this, two):
        actual = zoo.load(folder)
        elsewhere = replace(actual.preset, data=zoo.Data(spec=str(tmp_path / "gone.tsv")))
        (tmp_path / folder.name).mkdir()
        replace(actual, preset=elsewhere).save(tmp_path / folder.name)
    averaged = zoo.average([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    assert averaged.scores == {}
    assert "Not scored, because the data of the first model cannot be read" in " ".join(capsys.readouterr().err.split())


def test_models_that_are_not_alike_are_refused(models, tiny, tmp_path):
    this, _, rows, bert = models
    with pytest.raises(ValueError, match="Expected two model folders or more. Received: 1"):
        zoo.average([this], tmp_path / "m")
    with pytest.raises(ValueError, match="Expected a new folder to save the model in"):
        zoo.average([this, this], this)
    other = preset(rows, rank=0)
    zoo.train(replace(other, objective=replace(other.objective, pooling="max")), to=tmp_path / "max", init=str(bert))
    with pytest.raises(ValueError, match=r"Received: objective.pooling 'mean' in .*one, 'max' in .*max\."):
        zoo.average([this, tmp_path / "max"], tmp_path / "m")
    zoo.train(tiny, to=tmp_path / "scratch")
    with pytest.raises(ValueError, match="Received: .*scratch, from scratch"):
        zoo.average([tmp_path / "scratch"] * 2, tmp_path / "m")
    assert not (tmp_path / "m").exists()
