"""Causal language modelling: chunks of running text, exact perplexities, every causal architecture."""

import keras
import numpy as np
import pytest
from tiny import all_on_torch, compatible, overfit, shrink

from zoo.metrics.language import language_scores
from zoo.objectives import build_model
from zoo.objectives.next_token import NextToken
from zoo.pipeline import predictor
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.words import Words

RECORDS = [
    {"text": text} for text in ("to be or not", "the quick fox", "a b c d e", "one two three", "so it goes", "hm")
]
RECORDS += [{"text": "or not to be", "ending": "\n\n"}, {"text": "the fox is quick", "ending": ""}]
OBJECTIVE = NextToken(length=16)


@pytest.fixture(scope="module")
def words():
    return Words().train(record["text"] for record in RECORDS)


@pytest.mark.parametrize("name", all_on_torch(compatible(OBJECTIVE, causal=True)))
def test_every_causal_architecture_learns_eight_records_by_heart(name, words):
    _, predictions = overfit(OBJECTIVE, name, RECORDS, words, causal=True)
    assert OBJECTIVE.scores(predictions, RECORDS)["perplexity"] < 2


def test_compatible_architectures():
    assert {"gru", "lstm", "rnn", "conv"} <= set(compatible(OBJECTIVE, causal=True))
    assert not {"mlp", "text_cnn", "averaging", "transformer_encoder"} & set(compatible(OBJECTIVE, causal=True))


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [
        (shrink("mlp"), "needs a feature vector per token"),
        (shrink("lstm", bidirectional=True), "see no later token"),
        (shrink("transformer_encoder"), "see no later token"),
    ],
)
def test_incompatible_architectures_are_refused(architecture, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(OBJECTIVE, architecture)


def test_windows_hold_the_running_text_once(words):
    rows = list(OBJECTIVE.examples(RECORDS, words))
    ids = np.concatenate([row["labels"] for row in rows])
    assert [len(row["tokens"]) for row in rows[:-1]] == [16] * (len(rows) - 1)
    np.testing.assert_array_equal(np.concatenate([row["tokens"] for row in rows])[1:], ids[:-1])
    assert rows[0]["tokens"][0] == words.end
    lines = [words.encode(record["text"], special=False).ids.tolist() for record in RECORDS]
    breaks = [len(record.get("ending", "\n")) for record in RECORDS]
    expected = [i for line, n in zip(lines, breaks, strict=True) for i in line + [words.end] * n]
    assert ids.tolist() == expected


def test_characters_keep_their_line_breaks():
    characters = Characters().train(text for record in RECORDS for text in OBJECTIVE.tokenizer_texts(record))
    ids = np.concatenate([row["labels"] for row in OBJECTIVE.examples(RECORDS, characters)])
    assert characters.decode(ids) == "".join(record["text"] + record.get("ending", "\n") for record in RECORDS)


@pytest.mark.parametrize("overlap", [0, 5])
def test_losses_are_those_of_the_logits(words, overlap):
    objective = NextToken(length=8, overlap=overlap)
    keras.utils.set_random_seed(1)
    model = build_model(objective, shrink("lstm", vocabulary=words.vocabulary_size))
    predictions = predictor.predict(model, objective, words, RECORDS)
    ids = np.concatenate([row["labels"] for row in objective.examples(RECORDS, words)])
    inputs, expected = np.append([words.end], ids), []
    new = 0
    while new < len(ids):
        start = max(0, new - overlap)
        end = min(start + 8, len(ids))
        logits = keras.ops.convert_to_numpy(model({"tokens": inputs[None, start:end].astype("int32")}))[0]
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        expected += [-logs[i - start, ids[i]] for i in range(new, end)]
        new = end
    np.testing.assert_allclose(np.concatenate([item["losses"] for item in predictions]), expected, rtol=1e-4)
    assert [len(item["losses"]) for item in predictions][-3:] == [1 + 1, 4 + 2, 4]


def test_perplexities_by_token_word_and_character():
    predictions = [{"losses": np.array([1.0, 3.0]), "tokens": None}, {"losses": np.array([2.0]), "tokens": None}]
    records = [{"text": "ab cd", "ending": "\n"}, {"text": "x", "ending": ""}]
    scores = OBJECTIVE.scores(predictions, records)
    assert scores["loss"] == pytest.approx(2)
    assert scores["perplexity"] == pytest.approx(np.exp(2))
    assert scores["perplexity_word"] == pytest.approx(np.exp(6 / 4))
    assert scores["perplexity_character"] == pytest.approx(np.exp(6 / 7))
    assert language_scores([])["perplexity"] == 1


def test_an_answer_tells_the_loss_of_each_token(words):
    model = build_model(OBJECTIVE, shrink("gru", vocabulary=words.vocabulary_size))
    record = OBJECTIVE.fields.record("to be or")
    (prediction,) = predictor.predict(model, OBJECTIVE, words, [record])
    answer = OBJECTIVE.answer(prediction, record)
    assert [item["token"] for item in answer["tokens"]] == ["to", "be", "or"]
    assert answer["loss"] == pytest.approx(np.mean([item["loss"] for item in answer["tokens"]]))
    assert "perplexity" in OBJECTIVE.format(answer)


def test_weights_cannot_be_tied_where_widths_differ():
    with pytest.raises(ValueError, match="tied=True needs width and units to be equal. Received: width=16, units=12"):
        shrink("lstm", tied=True)


def test_overlap_must_leave_room():
    with pytest.raises(ValueError, match="below length=8. Received: overlap=8"):
        NextToken(length=8, overlap=8)
