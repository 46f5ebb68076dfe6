"""Masked language modelling: masking, exact scores, guesses for [MASK], every bidirectional architecture."""

import numpy as np
import pytest
from tiny import all_on_torch, compatible, overfit, shrink

from zoo.data.masking import Masking
from zoo.objectives import build_model
from zoo.objectives.masked_token import MaskedToken
from zoo.pipeline import predictor
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

TEXTS = [
    "to be or not",
    "the quick fox",
    "a b c d e",
    "one two three",
    "so it goes",
    "hm",
    "or not to be",
    "fox is quick",
]
RECORDS = [{"text": text} for text in TEXTS]
BOTH = {"bidirectional": True}
OBJECTIVE = MaskedToken(length=12)


@pytest.fixture(scope="module")
def words():
    return Words().train(TEXTS)


@pytest.mark.parametrize("name", all_on_torch(compatible(OBJECTIVE, **BOTH)))
def test_every_architecture_that_sees_both_sides_learns_by_heart(name, words):
    model, _ = overfit(MaskedToken(length=12, mask_rate=0.4), name, RECORDS, words, **BOTH)
    logs = model.history.history["loss"]
    assert logs[-1] < 0.5 < logs[0]


def test_compatible_architectures():
    actual = set(compatible(OBJECTIVE, **BOTH))
    assert {"gru", "lstm", "transformer_encoder", "bert", "conv"} <= actual
    assert not {"mlp", "gpt2", "transformer"} & actual


@pytest.mark.parametrize(
    ("name", "reason"), [("mlp", "a feature vector per token"), ("lstm", "both sides"), ("transformer", "one sequence")]
)
def test_incompatible_architectures_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(OBJECTIVE, shrink(name))


def batch_of(rows=400, time=40, pieces=1):
    words = np.arange(time) // pieces * np.ones((rows, 1), int)
    words[:, 30:] = -1
    tokens = np.random.default_rng(1).integers(5, 99, (rows, time))
    return {"tokens": tokens, "word_ids": words, "mask_token_and_size": np.tile([4, 1000], (rows, 1))}


def test_fifteen_in_a_hundred_are_chosen_and_most_of_them_masked():
    batch = batch_of()
    inputs, labels, weights = Masking().mask(batch, np.random.default_rng(0))
    chosen = weights > 0
    assert chosen.sum(1).tolist() == [round(0.15 * 30)] * 400
    originals = np.take_along_axis(batch["tokens"], _positions(inputs, chosen, batch), 1)
    np.testing.assert_array_equal(labels, originals[:, : labels.shape[1]])
    corrupted = np.take_along_axis(inputs["tokens"], inputs["mask_positions"], 1)[chosen]
    assert (corrupted == 4).mean() == pytest.approx(0.8, abs=0.04)
    assert (corrupted == labels[chosen]).mean() == pytest.approx(0.1, abs=0.03)
    assert (batch["word_ids"][np.nonzero(inputs["tokens"] != batch["tokens"])] >= 0).all()


def _positions(inputs, chosen, batch):
    """All candidate positions, by the same seed, of which `inputs` holds the chosen ones."""
    positions, _ = Masking().choose_positions(batch["word_ids"], np.random.default_rng(0))
    np.testing.assert_array_equal(np.where(chosen, positions, 0), inputs["mask_positions"])
    return positions


def test_other_tokens_are_chosen_in_every_epoch():
    batch = batch_of()
    first, second = (Masking().choose_positions(batch["word_ids"], np.random.default_rng(seed))[0] for seed in (1, 2))
    assert (first != second).any(1).all()


def test_whole_word_masking():
    words = batch_of(pieces=3)["word_ids"]
    positions, chosen = Masking(whole_words=True).choose_positions(words, np.random.default_rng(0))
    assert chosen.any(1).all()
    for row, is_masked, numbers in zip(positions, chosen, words, strict=True):
        for word in set(numbers[row[is_masked]]):
            assert set(np.flatnonzero(numbers == word)) <= set(row[is_masked])


def test_pieces_of_a_word_have_its_number():
    pieces = WordPieces(vocabulary=60).train([*TEXTS, "unbelievable quickness"])
    (row,) = MaskedToken(length=40).examples([{"text": "unbelievable fox", "ending": ""}], pieces)
    count = len(pieces.encode("unbelievable", special=False).ids)
    assert count > 1
    assert row["word_ids"][1 : 1 + count].tolist() == [0] * count
    assert row["word_ids"][1 + count] == 1
    assert row["word_ids"][[0, -1]].tolist() == [-1, -1]


def test_scores_do_not_depend_on_chance(words):
    model = build_model(OBJECTIVE, shrink("transformer_encoder", vocabulary=words.vocabulary_size))
    first, second = (predictor.predict(model, OBJECTIVE, words, RECORDS) for _ in range(2))
    assert OBJECTIVE.scores(first, RECORDS) == OBJECTIVE.scores(second, RECORDS)
    assert sum(len(decision["losses"]) for decision in first) > 3
    assert OBJECTIVE.scores(first, RECORDS)["perplexity"] == pytest.approx(
        np.exp(OBJECTIVE.scores(first, RECORDS)["loss"])
    )


def test_masks_of_a_text_are_filled(words):
    model = build_model(OBJECTIVE, shrink("bert", vocabulary=words.vocabulary_size))
    records = [OBJECTIVE.fields.record("to [MASK] or not"), OBJECTIVE.fields.record("[MASK] quick [MASK]")]
    predictions = predictor.predict(model, OBJECTIVE, words, records)
    answers = [OBJECTIVE.answer(*pair) for pair in zip(predictions, records, strict=True)]
    assert [len(answer["masks"]) for answer in answers] == [1, 2]
    assert "[MASK]" not in answers[1]["text"]
    probabilities = list(answers[0]["masks"][0].values())
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(probabilities) == 5
    assert not any(token.startswith("[") for answer in answers for guesses in answer["masks"] for token in guesses)
    assert answers[0]["text"].startswith("to ")
    assert answers[0]["text"] in OBJECTIVE.format(answers[0])


def test_mistakes(words):
    with pytest.raises(ValueError, match=r"Expected \[MASK\]"):
        OBJECTIVE.fields.record("no word is missing")
    model = build_model(OBJECTIVE, shrink("bert", vocabulary=words.vocabulary_size))
    with pytest.raises(ValueError, match="at most 12 tokens"):
        predictor.predict(model, OBJECTIVE, words, [OBJECTIVE.fields.record("a " * 20 + "[MASK]")])
    with pytest.raises(ValueError, match="mask_rate above 0 and below 1. Received: mask_rate=1"):
        build_model(MaskedToken(mask_rate=1), shrink("bert"))
