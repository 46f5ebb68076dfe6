"""Sentence embeddings: batches of pairs, the in-batch contrastive loss, training, similarity."""

import numpy as np
import pytest
from keras import ops

import zoo
from zoo.architectures.averaging import Averaging
from zoo.architectures.transformer import Transformer
from zoo.layers.contrastive_loss import InBatchContrastiveLoss
from zoo.objectives.embed_text import EmbedText
from zoo.tokenizers.words import Words

WORDS = [
    ("big", "large"),
    ("small", "little"),
    ("quick", "fast"),
    ("happy", "glad"),
    ("sad", "unhappy"),
    ("end", "finish"),
]
PAIRS = [
    {"text": f"{word} {thing}", "text_pair": f"{thing} {synonym}"}
    for word, synonym in WORDS
    for thing in ("dog", "day", "car", "boy")
]


@pytest.fixture(scope="module")
def tokenizer():
    return Words().train([text for record in PAIRS for text in record.values()])


def test_a_batch_holds_texts_and_then_their_partners(tokenizer):
    objective = EmbedText(length=16)
    rows = list(objective.examples(PAIRS[:2], tokenizer))
    tokens = np.zeros((2, 10), "int32")
    for row, example in zip(tokens, rows, strict=True):
        row[: len(example["tokens"])] = example["tokens"]
    batch = {"tokens": tokens, "segments": np.zeros_like(tokens), "ends": np.stack([row["ends"] for row in rows])}
    inputs, targets, weights = objective.collate(batch, None)
    texts = [PAIRS[0]["text"], PAIRS[1]["text"], PAIRS[0]["text_pair"], PAIRS[1]["text_pair"]]
    for row, text in zip(inputs["tokens"], texts, strict=True):
        expected = tokenizer.encode(text).ids
        np.testing.assert_array_equal(row[: len(expected)], expected)
        assert (row[len(expected) :] == tokenizer.padding).all()
    assert inputs["segments"].shape == inputs["tokens"].shape
    assert targets.tolist() == [2, 3, 0, 1]
    assert weights.tolist() == [1, 1, 1, 1]


def test_the_loss_is_the_cross_entropy_of_the_partner():
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    targets = np.array([2, 3, 0, 1])
    products = np.exp(vectors @ vectors.T / 0.5)
    np.fill_diagonal(products, 0)
    expected = -np.log(products[np.arange(4), targets] / products.sum(1)).mean()
    assert float(ops.convert_to_numpy(InBatchContrastiveLoss(0.5)(targets, vectors))) == pytest.approx(
        expected, rel=1e-5
    )


def test_pairs_are_learned_and_answers_are_vectors(tokenizer, tmp_path):
    lines = ["text\ttext_pair", *(f"{record['text']}\t{record['text_pair']}" for record in PAIRS)]
    for split in ("train", "valid"):
        (tmp_path / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    preset = zoo.Preset(
        architecture=Averaging(width=16),
        objective=EmbedText(length=16),
        tokenizer=Words(),
        data=zoo.Data(spec=str(tmp_path)),
        training=zoo.Training(epochs=12, batch_size=8, learning_rate=3e-2),
    )
    pipeline = zoo.train(preset, to=tmp_path / "model")
    assert pipeline.scores["validation"]["accuracy"] > 0.95
    first, second = pipeline.predict(["big dog", "dog large"])
    assert np.linalg.norm(first["vector"]) == pytest.approx(1, abs=1e-5)
    assert np.dot(first["vector"], second["vector"]) > 0.5
    assert pipeline.objective.format(first).endswith("128 numbers")


def test_a_pair_gets_its_similarity():
    answer = EmbedText().answer({"vector": np.array([0.6, 0.8]), "partner": np.array([1.0, 0.0])}, PAIRS[0])
    assert answer == {"vector": [0.6, 0.8], "similarity": pytest.approx(0.6)}


def test_encoder_decoders_are_refused():
    with pytest.raises(ValueError, match=r"embed_text needs .* one sequence of tokens. Received: Transformer"):
        EmbedText().check_architecture(Transformer())
