"""Exported SavedModels of masked language models and of BERT's pretraining answer as `predict` does."""

import keras
import numpy as np
import pytest
from tiny import shrink

from zoo.data.mask_text import MASK
from zoo.objectives import build_model
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.pretrain import Pretrain
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

tensorflow = keras.config.backend() == "tensorflow"  # on other backends each export starts a process
TEXTS = [
    f"My order {MASK} came, said {MASK}.",
    f"{MASK}{MASK} na\u00efve \u65e5\u672c\u8a9e {MASK}",
    MASK,
    f"Where is it? {MASK}!",
]
CASES = {
    "word_pieces": (WordPieces(vocabulary=120), "bert"),
    "words": (Words(), "transformer_encoder"),
    "byte_pairs": (BytePairs(vocabulary=300), "roberta"),
    "characters": (Characters(), "conv"),
}


def build_pipeline(spec, name, objective):
    """A pipeline with random weights."""
    keras.utils.set_random_seed(1)
    tokenizer = spec.train([text.replace(MASK, "") for text in TEXTS])
    architecture = shrink(name, vocabulary=tokenizer.vocabulary_size, length=64)
    model = build_model(objective, architecture)
    for weight in model.trainable_variables:
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.3))
    return Pipeline(model, Preset(architecture=architecture, objective=objective, tokenizer=spec), tokenizer)


def serve(pipeline, folder, **texts):
    """Export a pipeline and run its SavedModel: {output: array}."""
    import tensorflow as tf

    signature = tf.saved_model.load(str(pipeline.export(folder))).signatures["serving_default"]
    actual = signature(**{name: tf.constant(column) for name, column in texts.items()})
    return {name: tensor.numpy() for name, tensor in actual.items()}


@pytest.mark.parametrize("kind", CASES if tensorflow else ["word_pieces"])
def test_guesses_are_those_of_predict(kind, tmp_path):
    pipeline = build_pipeline(*CASES[kind], MaskedToken(length=48, top_k=3))
    long = "a b c " * 40 + MASK
    actual = serve(pipeline, tmp_path / "served", text=[*TEXTS, "None here", "", long])
    for i, answer in enumerate(pipeline.predict(TEXTS)):
        assert actual["text"][i].decode() == answer["text"]
        count = len(answer["masks"])
        guesses = [[token.decode() for token in tokens] for tokens in actual["guesses"][i, :count]]
        assert guesses == [list(item) for item in answer["masks"]]
        expected = [list(item.values()) for item in answer["masks"]]
        np.testing.assert_allclose(actual["scores"][i, :count], expected, atol=1e-5)
        assert not actual["scores"][i, count:].any()
        assert set(actual["guesses"][i, count:].flat) <= {b""}
    assert [text.decode() for text in actual["text"][-3:]] == ["None here", "", long]


def test_a_batch_without_masks(tmp_path):
    pipeline = build_pipeline(*CASES["words"], MaskedToken(length=48))
    actual = serve(pipeline, tmp_path / "served", text=["None here"])
    assert actual["text"].tolist() == [b"None here"]
    assert actual["guesses"].shape == (1, 0, 5)


def test_pretraining_predicts_the_next_sentence(tmp_path):
    pipeline = build_pipeline(WordPieces(vocabulary=120), "bert", Pretrain(length=48))
    pairs = [("My order came.", "Where is it?"), ("naive", "na\u00efve")]
    actual = serve(pipeline, tmp_path / "served", text=[a for a, _ in pairs], text_pair=[b for _, b in pairs])
    for i, answer in enumerate(pipeline.predict(pairs)):
        assert actual["probability"][i] == pytest.approx(answer["probability"], abs=1e-5)
        assert actual["follows"][i] == answer["follows"]
