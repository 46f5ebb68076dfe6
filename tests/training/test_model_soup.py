"""Model soups: the mean of the weights of several fine-tuned models."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer
from small_classifier import preset, write_rows

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
    folders = models[:2]
    averaged, (left, right) = zoo.average(folders, tmp_path / "both"), map(zoo.load, folders)
    assert not all(np.array_equal(*pair) for pair in zip(kernels(left), kernels(right), strict=True))
    for mean, *pair in zip(*map(kernels, (averaged, left, right)), strict=True):
        np.testing.assert_allclose(mean, (pair[0] + pair[1]) / 2, atol=1e-6)
    loaded = zoo.load(tmp_path / "both")
    assert loaded.scores == averaged.scores
    assert averaged.scores["validation"]["accuracy"] == averaged.evaluate(split="validation")["accuracy"]


def test_a_model_averaged_with_itself_is_itself(models, tmp_path):
    averaged, original = zoo.average([models[0]] * 3, tmp_path / "same"), zoo.load(models[0])
    assert averaged.predict("w9 w7")["probabilities"] == pytest.approx(original.predict("w9 w7")["probabilities"])


def test_without_its_data_a_model_is_not_scored(models, tmp_path, capsys):
    for folder in models[:2]:
        pipeline = zoo.load(folder)
        without_data = replace(pipeline.preset, data=zoo.Data(spec=str(tmp_path / "gone.tsv")))
        (tmp_path / folder.name).mkdir()
        replace(pipeline, preset=without_data).save(tmp_path / folder.name)
    averaged = zoo.average([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    assert averaged.scores == {}
    assert "Not scored, because the data of the first model cannot be read" in " ".join(capsys.readouterr().err.split())


def test_models_that_are_not_alike_are_refused(models, tiny, tmp_path):
    folder, _, rows, bert = models
    with pytest.raises(ValueError, match="Expected two model folders or more. Received: 1"):
        zoo.average([folder], tmp_path / "m")
    with pytest.raises(ValueError, match="Expected a new folder to save the model in"):
        zoo.average([folder, folder], folder)
    other = preset(rows, rank=0)
    zoo.train(replace(other, objective=replace(other.objective, pooling="max")), to=tmp_path / "max", init=str(bert))
    with pytest.raises(ValueError, match=r"Received: objective.pooling 'mean' in .*one, 'max' in .*max\."):
        zoo.average([folder, tmp_path / "max"], tmp_path / "m")
    zoo.train(tiny, to=tmp_path / "scratch")
    with pytest.raises(ValueError, match="Received: .*scratch, from scratch"):
        zoo.average([tmp_path / "scratch"] * 2, tmp_path / "m")
    assert not (tmp_path / "m").exists()
