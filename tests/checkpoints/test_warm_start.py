"""Warm start from published weights, or from a model folder of the zoo."""

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer
from small_classifier import write_rows

import zoo
from zoo.architectures.text_cnn import TextCNN
from zoo.checkpoints.folder import import_folder
from zoo.objectives.classify_text import ClassifyText
from zoo.tokenizers.words import Words


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A folder of transformers, whose tokenizer has two ids fewer than the network."""
    folder = Golden("bert").write(tmp_path_factory.mktemp("hf") / "bert")
    write_tokenizer(folder, 38)
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A folder of texts in the words of that tokenizer: those with w7 are good."""
    return write_rows(tmp_path_factory.mktemp("rows"))


def preset(rows, **settings):
    return zoo.Preset(
        architecture=TextCNN(),
        objective=ClassifyText(length=8, dense_activation="tanh"),
        tokenizer=Words(),
        data=zoo.Data(spec=str(rows)),
        training=zoo.Training(epochs=1, batch_size=8, learning_rate=0.0, **settings),
    )


def weights(model, part):
    return {w.path: ops.convert_to_numpy(w.value) for w in model.weights if part in w.path}


def test_a_run_starts_from_published_weights(bert, rows, tmp_path, capsys):
    pipeline = zoo.train(preset(rows), to=tmp_path / "m", init=str(bert))
    imported = import_folder(bert)
    assert pipeline.preset.architecture == imported.preset.architecture
    assert pipeline.tokenizer.vocabulary_size == 38
    for path, array in weights(imported.model, "block").items():
        np.testing.assert_array_equal(weights(pipeline.model, "block")[path], array)
    np.testing.assert_array_equal(
        *(weights(source.model, "hidden/kernel")["hidden/kernel"] for source in (pipeline, imported))
    )
    assert "new weights: logits/kernel, logits/bias." in " ".join(capsys.readouterr().err.split())
    reloaded = zoo.load(tmp_path / "m")
    expected = pipeline.predict("w9 w7")["probabilities"]
    assert reloaded.predict("w9 w7")["probabilities"] == pytest.approx(expected, rel=1e-5)
    assert reloaded.preset.training.init == str(bert)


def test_a_run_starts_from_a_model_of_the_zoo(bert, rows, tmp_path):
    first = zoo.train(preset(rows), to=tmp_path / "first", init=str(bert))
    second = zoo.train(preset(rows, seed=3), to=tmp_path / "second", init=tmp_path / "first")
    for path, array in weights(first.model, "").items():
        np.testing.assert_array_equal(weights(second.model, "")[path], array, err_msg=path)


def test_fields_of_the_architecture_can_be_overridden(bert, rows, tmp_path):
    pipeline = zoo.train(preset(rows), to=tmp_path / "m", overrides=[f"training.init={bert}", "architecture.dropout=0"])
    assert pipeline.preset.architecture.dropout == 0
    with pytest.raises(ValueError, match=r"Received: 16 others .* a smaller one"):
        zoo.train(preset(rows), to=tmp_path / "n", init=str(bert), overrides=["architecture.depth=1"])
    with pytest.raises(ValueError, match=r"to be of shape \(40, 32\), for embedding/embeddings. Received: \(40, 16\)"):
        zoo.train(preset(rows), to=tmp_path / "n", init=str(bert), overrides=["architecture.width=32"])


def head(model):
    return weights(model, "logits/")


def published_with(folder, **config):
    """A folder whose classifier has two named classes."""
    golden = Golden("bert")
    tensors = {name: x[:2] if name.startswith("classifier") else x for name, x in golden.part("tensor").items()}
    write_tokenizer(golden.write(folder, tensors, **config), 38)
    return folder


@pytest.mark.parametrize("names", [("good", "bad"), ("bad", "good")])
def test_rows_of_the_head_follow_the_names_of_labels(rows, tmp_path, names):
    folder = published_with(tmp_path / "hf", id2label=dict(enumerate(names)), num_labels=2)
    start = head(import_folder(folder).model)
    trained = zoo.train(preset(rows), to=tmp_path / "m", init=str(folder))
    order = [names.index(label) for label in trained.objective.labels]
    for path, array in head(trained.model).items():
        np.testing.assert_array_equal(array, start[path][..., order])
    again = zoo.train(preset(rows), to=tmp_path / "n", init=tmp_path / "m", overrides=["objective.labels=good,bad"])
    assert again.objective.labels == ("good", "bad")
    for path, array in head(again.model).items():
        np.testing.assert_array_equal(array, start[path][..., [names.index("good"), names.index("bad")]])


@pytest.mark.parametrize("names", [("LABEL_0", "LABEL_1"), ("good", "dull")])
def test_a_head_of_other_labels_begins_afresh(rows, tmp_path, names, capsys):
    folder = published_with(tmp_path / "hf", id2label=dict(enumerate(names)), num_labels=2)
    zoo.train(preset(rows), to=tmp_path / "m", init=str(folder))
    assert "new weights: logits/kernel, logits/bias." in " ".join(capsys.readouterr().err.split())


def test_weights_of_another_size_are_refused(bert, rows, tmp_path):
    zoo.train(preset(rows), to=tmp_path / "first", init=str(bert))
    with pytest.raises(ValueError, match=r"Expected weights of shape .* Received: none"):
        zoo.train(preset(rows), to=tmp_path / "m", init=tmp_path / "first", overrides=["architecture.depth=3"])
    assert not (tmp_path / "m").exists()
