"""The exported SavedModel of a tagger, run as a stock server runs it, gives the spans and offsets of `predict`."""

import keras
import pytest
from tiny import shrink

import zoo
from zoo.objectives import build_model
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.tag_tokens import TagTokens
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

TEXTS = [
    "Ann's friend, Bo Li, lives in Rome!",
    "",
    " \n",
    "na\u00efve e\u0301 \u65e5\u672c\u8a9e \U0001f469\u200d\U0001f467 x\x00y \u200b",
    "word " * 70,
    "a",
]
TAGS = ("O", "B-loc", "I-loc", "B-per", "I-per")
CASES = {
    "words": (Words(), "lstm", TagTokens(tags=TAGS, scheme="bio", crf=True, length=48)),
    "word_pieces": (WordPieces(vocabulary=200), "transformer_encoder", TagTokens(tags=TAGS, scheme="bio", length=48)),
    "bytes": (Bytes(), "lstm_cnn", TagTokens(tags=("NOUN", "VERB", "X"), scheme="plain", length=64)),
    "byte_pairs": (BytePairs(vocabulary=300), "gru", TagTokens(tags=TAGS, scheme="bio", crf=True, length=32)),
    "both": (Words(), "gru", ClassifyAndTag(labels=("a", "b", "c"), tags=TAGS, scheme="bio", crf=True, length=48)),
    "characters": (Characters(), "conv", TagTokens(tags=TAGS, scheme="bio", crf=True, valid_only=False, length=64)),
}


def build_pipeline(kind):
    """A pipeline with random weights, those of its tags large, so that it predicts many spans."""
    keras.utils.set_random_seed(1)
    spec, name, objective = CASES[kind]
    tokenizer = spec.train(TEXTS)
    architecture = shrink(name, vocabulary=tokenizer.vocabulary_size, length=64)
    model = build_model(objective, architecture)
    for weight in model.get_layer("tags").trainable_variables:
        weight.assign(keras.random.normal(weight.shape, stddev=2.0, seed=2))
    return Pipeline(model, Preset(architecture=architecture, objective=objective, tokenizer=spec), tokenizer)


def assert_served(pipeline, rows):
    name = "labels" if "labels" in rows else "tags"
    for i, answer in enumerate(pipeline.predict(TEXTS)):
        if isinstance(answer, dict):
            assert rows["label"][i] == answer["label"]
            assert rows["probability"][i] == pytest.approx(answer["probabilities"][answer["label"]], abs=1e-5)
            answer = answer["tags"]
        real = [j for j, start in enumerate(rows["starts"][i]) if start >= 0]
        assert real == list(range(len(answer)))
        for column, key in ((name, name[:-1]), ("texts", "text"), ("starts", "start"), ("ends", "end")):
            assert rows[column][i][: len(answer)] == [item[key] for item in answer], (TEXTS[i], column)
        assert rows["scores"][i][: len(answer)] == pytest.approx([item["score"] for item in answer], abs=1e-4)
        assert set(rows[name][i][len(answer) :]) | set(rows["texts"][i][len(answer) :]) <= {""}


CASE_NAMES = CASES if keras.config.backend() == "tensorflow" else ["words"]  # on others each export starts a process
QUICK = ("words", "both")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind not in QUICK)) for kind in CASE_NAMES]
)
def test_a_served_tagger_answers_as_predict_does(tmp_path, serve, kind):
    pipeline = build_pipeline(kind)
    assert sum(map(len, pipeline.predict(TEXTS))) > 1
    rows, _ = serve(pipeline.export(tmp_path / "1"), text=TEXTS)
    assert_served(pipeline, rows)


def test_a_pipeline_loaded_again_answers_alike(tmp_path):
    pipeline = build_pipeline("words")
    pipeline.save(tmp_path)
    assert zoo.load(tmp_path).predict(TEXTS) == pipeline.predict(TEXTS)
