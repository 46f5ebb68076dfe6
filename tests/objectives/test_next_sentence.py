"""Next-sentence prediction, alone and with masked language modelling (BERT pretraining)."""

from collections import Counter

import numpy as np
import pytest
from tiny import all_on_torch, compatible, overfit, shrink

from zoo.data.sentences import pairs, split_sentences
from zoo.objectives import build_model
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.pretrain import Pretrain
from zoo.pipeline import predictor
from zoo.tokenizers.words import Words

DOCUMENTS = [{"text": f"{a} went out. {a} saw {b}! Did {b} see {a}? {b} left."} for a, b in ("xy", "pq", "no", "ab")]
BOTH = {"bidirectional": True}


@pytest.fixture(scope="module")
def words():
    return Words().train(record["text"] for record in DOCUMENTS)


def test_sentences_end_at_signs_before_blanks():
    assert split_sentences('He said "no." Then 3.5 more…  left!\nWhy? ') == [
        'He said "no."',
        "Then 3.5 more…",
        "left!",
        "Why?",
    ]
    assert split_sentences("") == []
    assert split_sentences("one") == ["one"]


def test_half_of_the_seconds_are_from_another_document():
    documents = [[f"{d}-{i}" for i in range(6)] for d in range(200)]
    actual = list(pairs(documents))
    assert len(actual) == 200 * 5
    assert np.mean([follows for *_, follows in actual]) == pytest.approx(0.5, abs=0.05)
    for number, first, second, follows in actual:
        document, position = map(int, first.split("-"))
        second_document, second_position = map(int, second.split("-"))
        assert number == document
        if follows:
            assert (second_document, second_position) == (document, position + 1)
        else:
            assert second_document != document
    negatives = Counter(second for *_, second, follows in actual if not follows)
    assert negatives.most_common(1)[0][1] <= 5
    assert actual == list(pairs(documents))


def test_a_document_alone_has_only_pairs_that_follow():
    assert [follows for *_, follows in pairs([["a", "b", "c"], []])] == [True, True]


@pytest.mark.parametrize("name", all_on_torch(compatible(NextSentence())))
def test_every_architecture_that_reads_tokens_learns_pairs_by_heart(name, words):
    if name == "mlp":
        pytest.skip("a bag of words cannot tell which of two sentences it was in")
    objective = NextSentence(length=16, dropout=0.0)
    _, predictions = overfit(objective, name, DOCUMENTS, words, epochs=100, rate=0.007)
    assert objective.scores(predictions, DOCUMENTS)["accuracy"] > 0.9


@pytest.mark.parametrize("name", all_on_torch(compatible(Pretrain(), **BOTH)))
def test_both_are_learned_at_once(name, words):
    objective = Pretrain(length=16)
    model, predictions = overfit(objective, name, DOCUMENTS, words, epochs=50, rate=0.01, **BOTH)
    logs = model.history.history
    assert logs["tokens_loss"][-1] < 0.5 * logs["tokens_loss"][0]
    assert logs["follows_loss"][-1] < logs["follows_loss"][0]
    scores = objective.scores(predictions, DOCUMENTS)
    assert set(scores) == {"loss", "perplexity", "accuracy", "accuracy_follows"}
    assert 0 <= scores["accuracy_follows"] <= 1


def test_a_pair_of_texts_is_answered(words):
    for objective in (NextSentence(length=16), Pretrain(length=16)):
        model = build_model(objective, shrink("bert", vocabulary=words.vocabulary_size))
        record = objective.fields.record(("x went out.", "x saw y!"))
        (prediction,) = predictor.predict(model, objective, words, [record])
        answer = objective.answer(prediction, record)
        assert answer["follows"] == (answer["probability"] >= 0.5)
        assert f"{answer['probability']:.3f}" in objective.format(answer)


def test_segments_of_the_sentences(words):
    row = next(iter(NextSentence(length=16).examples(DOCUMENTS, words)))
    end = row["tokens"].tolist().index(words.end)
    assert row["segments"].tolist() == [0] * (end + 1) + [1] * (len(row["segments"]) - end - 1)


@pytest.mark.parametrize(
    ("name", "reason"), [("gpt2", "both sides"), ("mlp", "a feature vector per token"), ("transformer", "one")]
)
def test_incompatible_architectures_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(Pretrain(), shrink(name))
    if name == "transformer":
        with pytest.raises(ValueError, match="one sequence of tokens. Received: Transformer"):
            build_model(NextSentence(), shrink(name))
