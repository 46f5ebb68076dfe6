"""Pretrained word vectors as the start of word embeddings: static, non-static, in a table of words; mistakes."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import BAD, FILLER, GOOD
from keras import ops
from kill import KilledError, kill_after
from word_vector_files import random_vectors, write_binary, write_glove

import zoo
from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.architectures.mlp import MLP
from zoo.tokenizers.bytes import Bytes

UNSEEN = ["splendid", "dreadful"]
WORDS = [*GOOD[1:], *BAD, *FILLER]  # all words of the reviews but one
VECTORS = random_vectors([*UNSEEN, *WORDS], width=16) | {"New York": np.zeros(16), "well-known": np.zeros(16)}
for words, sign in ((GOOD[1:], 1), (BAD, -1)):
    for word in words:
        VECTORS[word][0] += sign
VECTORS["splendid"], VECTORS["dreadful"] = VECTORS["superb"], VECTORS["awful"]


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "glove.16d.txt"
    write_glove(path, VECTORS)
    return path


@pytest.fixture
def static(tiny, glove):
    """CNN-static: `tiny` on frozen word vectors."""
    return with_vectors(tiny, glove, freeze="embedding")


def with_vectors(preset, path, freeze="", **settings):
    training = replace(preset.training, word_vectors=str(path), **settings)
    return replace(preset, training=training, tuning=zoo.Tuning(freeze=freeze))


def rows(pipeline, words):
    table = ops.convert_to_numpy(pipeline.model.get_layer("embedding").embeddings)
    return table[[pipeline.tokenizer.id(word) for word in words]]


def test_static_vectors_are_those_of_the_file(static, glove, tmp_path, capsys):
    pipeline = zoo.train(static, to=tmp_path / "m")
    assert "glove.16d.txt: 26 of 27 words (96 %), 16 dimensions; others random." in capsys.readouterr().err
    vectors = np.array([VECTORS[word] for word in WORDS])
    np.testing.assert_allclose(rows(pipeline, WORDS), vectors, rtol=1e-5)
    unknown = rows(pipeline, ["great"])
    assert 0.3 < unknown.std() / vectors.std() < 2  # random, with about the variance of the vectors
    assert pipeline.scores["test"]["accuracy"] > 0.8
    glove.rename(glove.with_name("moved"))  # a trained model needs no file of vectors
    loaded = zoo.load(tmp_path / "m")
    glove.with_name("moved").rename(glove)
    assert loaded.preset.training.word_vectors == str(glove)
    assert loaded.evaluate() == pytest.approx(pipeline.scores["test"], abs=1e-4)


def test_non_static_vectors_are_trained_from_the_file_on(tiny, glove, tmp_path):
    start = zoo.train(with_vectors(tiny, glove, learning_rate=0.0, epochs=1), to=tmp_path / "start")
    np.testing.assert_allclose(rows(start, WORDS), [VECTORS[word] for word in WORDS], rtol=1e-5)
    end = zoo.train(with_vectors(tiny, glove), to=tmp_path / "end")
    moved = np.abs(rows(end, WORDS) - rows(start, WORDS)).mean()
    assert moved > 0.01
    assert end.scores["test"]["accuracy"] > 0.8


def test_frequent_words_of_the_file_are_known_without_training_text(static, tmp_path):
    static = replace(static, training=replace(static.training, vector_words=len(VECTORS), epochs=8))
    pipeline = zoo.train(static, to=tmp_path / "m")
    np.testing.assert_allclose(rows(pipeline, UNSEEN), [VECTORS[word] for word in UNSEEN], rtol=1e-5)
    assert pipeline.tokenizer.id("New York") is pipeline.tokenizer.id("well-known") is None
    answers = [pipeline.predict(f"the film was {word}")["label"] for word in UNSEEN]
    assert answers == ["good", "bad"]
    assert zoo.load(tmp_path / "m").predict(UNSEEN[0])["label"] == "good"


@pytest.mark.parametrize("freeze", ["", "embedding"])
def test_a_killed_run_resumes_with_the_same_vectors(tiny, glove, freeze, tmp_path, monkeypatch):
    preset = with_vectors(tiny, glove, freeze, vector_words=5)
    uninterrupted = zoo.train(preset, to=tmp_path / "uninterrupted")
    kill_after(monkeypatch, 2)
    with pytest.raises(KilledError):
        zoo.train(preset, to=tmp_path / "m")
    monkeypatch.undo()
    resumed = zoo.train(preset, to=tmp_path / "m", resume=True)
    for actual, expected in zip(resumed.model.weights, uninterrupted.model.weights, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(actual), ops.convert_to_numpy(expected), atol=1e-5)


@pytest.fixture
def words_and_bytes(tiny):
    architecture = LSTMCNN(width=8, units=8, byte_width=4, filters=4, buckets=64, embedding_dropout=0.0, dropout=0.0)
    return replace(tiny, architecture=architecture, tokenizer=Bytes(), objective=replace(tiny.objective, length=64))


def test_a_network_over_bytes_has_a_table_of_words(words_and_bytes, tmp_path, capsys):
    write_binary(tmp_path / "vectors.bin", {word.upper() if word == "sad" else word: v for word, v in VECTORS.items()})
    preset = with_vectors(words_and_bytes, tmp_path / "vectors.bin", "embedding", vector_words=2)
    pipeline = zoo.train(preset, to=tmp_path / "m")
    assert "vectors.bin: 28 of 29 words (97 %), 16 dimensions; others hashed." in capsys.readouterr().err
    architecture = zoo.load(tmp_path / "m").preset.architecture
    assert isinstance(architecture, LSTMCNN)
    assert (architecture.words, architecture.word_width) == (28, 16)
    vectors = vectors_of(zoo.load(tmp_path / "m"), "the film SAD splendid unheard great Dull")
    expected = [VECTORS[word] for word in ("the", "film", "sad", "splendid")]
    np.testing.assert_allclose(vectors, [*expected, *np.zeros((2, 16)), VECTORS["dull"]], rtol=1e-5)
    assert pipeline.scores["test"]["accuracy"] > 0.6


def vectors_of(pipeline, text):
    """The pretrained vectors of the words of a text, (words, width)."""
    model = keras.Model(pipeline.model.inputs, pipeline.model.get_layer("word_vectors").output)
    ids = pipeline.tokenizer.encode(text, special=False).ids[None]
    return ops.convert_to_numpy(model({"tokens": ids}))[0][: len(text.split())]


def test_mistakes_are_one_line(tiny, glove, words_and_bytes, model_folder, tmp_path):
    def message(preset, *overrides, **options):
        with pytest.raises(zoo.UserError) as error:
            zoo.train(preset, to=tmp_path / "m", overrides=overrides, **options)
        assert not (tmp_path / "m").exists()
        return str(error.value)

    preset = with_vectors(tiny, glove)
    assert "Expected architecture.width=16, as the vectors have." in message(preset, "architecture.width=8")
    assert "needs tokenizer=words with text_cnn. Received: tokenizer=bytes" in message(preset, "tokenizer=bytes")
    other = with_vectors(words_and_bytes, glove)
    assert "needs tokenizer=bytes with lstm_cnn. Received: tokenizer=words" in message(other, "tokenizer=words")
    assert "Expected a network with word embeddings" in message(replace(preset, architecture=MLP()))
    assert "leave out training.word_vectors" in message(preset, init=str(model_folder))
    assert "training.vector_words needs training.word_vectors=FILE" in message(tiny, "training.vector_words=5")
    assert "architecture.words needs training.word_vectors=FILE" in message(words_and_bytes, "architecture.words=5")
    assert "Did you mean 'glove.16d.txt'?" in message(preset, f"training.word_vectors={glove.with_name('glove.txt')}")
    write_glove(tmp_path / "other", random_vectors(["nichts", "davon"], 16))
    assert "which has none of them" in message(preset, f"training.word_vectors={tmp_path / 'other'}")
    mlp = replace(tiny, architecture=MLP(), tuning=zoo.Tuning(freeze="embedding"))
    assert "Received: tuning.freeze=embedding of MLP" in message(mlp)
