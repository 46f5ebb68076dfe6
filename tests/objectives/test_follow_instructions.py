"""Instruction tuning: a loss on answers alone, on causal networks and encoder-decoders, in several turns."""

import json

import keras
import numpy as np
import pytest
from tiny import all_on_torch, compatible, overfit, shrink

from zoo.data.collate import Collator
from zoo.data.opening import open_dataset
from zoo.objectives import build_model, compile_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.pipeline import predictor
from zoo.tokenizers.words import Words

PAIRS = [("hund", "dog"), ("katze", "cat"), ("rot", "red"), ("haus", "house"), ("brot", "bread"), ("tag", "day")]
RECORDS = [{"instruction": "say in english", "input": a, "output": b} for a, b in PAIRS]
TALK = [
    {"role": "user", "content": "hund"},
    {"role": "assistant", "content": "dog"},
    {"role": "user", "content": "katze"},
    {"role": "assistant", "content": "cat"},
]
RECORDS += [{"messages": TALK}, {"messages": TALK[2:]}]
OBJECTIVE = FollowInstructions(length=32, max_new_tokens=4)
SIZES = {"causal": True, "length": 32, "width": 32, "units": 32}


@pytest.fixture(scope="module")
def words():
    return Words().train(text for record in RECORDS for text in OBJECTIVE.tokenizer_texts(record))


@pytest.mark.parametrize("name", all_on_torch(compatible(OBJECTIVE, causal=True)))
def test_every_architecture_that_generates_learns_eight_conversations_by_heart(name, words):
    objective = OBJECTIVE.preparation(shrink(name)).objective
    rate = {"rnn_seq2seq": 0.01, "t5": 0.003, "bart": 0.01}.get(name, 0.02)
    epochs = 250 if name == "rnn_seq2seq" else 100
    _, predictions = overfit(objective, name, RECORDS, words, epochs=epochs, rate=rate, **SIZES)
    scores = objective.scores(predictions, RECORDS)
    assert scores["perplexity"] < 1.6
    assert scores["rouge1"] > 0.6


def test_compatible_architectures():
    actual = set(compatible(OBJECTIVE, causal=True))
    assert {"gpt2", "lstm", "transformer", "rnn_seq2seq"} <= actual
    assert not {"bert", "mlp"} & actual


@pytest.mark.parametrize(("name", "reason"), [("bert", "is not causal"), ("mlp", "has one feature vector per text")])
def test_incompatible_architectures_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(OBJECTIVE, shrink(name))


def test_only_answers_are_learned(words):
    (row,) = OBJECTIVE.examples([{"messages": TALK}], words)
    in_answer = row["labels"] >= 0
    assert words.decode(row["labels"][in_answer], skip_special=False).split() == ["dog", "[SEP]", "cat", "[SEP]"]
    np.testing.assert_array_equal(row["labels"][in_answer], np.append(row["tokens"][1:], words.end)[in_answer])


def test_answers_of_weight_0_are_context_alone(words):
    talk = [TALK[0], {**TALK[1], "weight": 0}, *TALK[2:]]
    (row,) = OBJECTIVE.examples([{"messages": talk}], words)
    (complete,) = OBJECTIVE.examples([{"messages": TALK}], words)
    np.testing.assert_array_equal(row["tokens"], complete["tokens"])
    assert words.decode(row["labels"][row["labels"] >= 0], skip_special=False).split() == ["cat", "[SEP]"]
    objective = OBJECTIVE.preparation(shrink("transformer")).objective
    (second,) = objective.examples([{"messages": talk}], words)
    _, expected = objective.examples([{"messages": TALK}], words)
    for key in expected:
        np.testing.assert_array_equal(second[key], expected[key])


def test_prompts_get_no_gradient(words):
    """The training step does not depend on the targets of prompt tokens."""
    rows = list(OBJECTIVE.examples(RECORDS, words))
    steps = []
    for target in (0, 7):
        keras.utils.set_random_seed(0)
        model = compile_model(
            OBJECTIVE,
            build_model(OBJECTIVE, shrink("gru", vocabulary=words.vocabulary_size)),
            keras.optimizers.SGD(1.0),
        )
        collator = Collator.for_model(model, OBJECTIVE, words, rows[0])
        batch = collator.pad(rows, [max(len(row["tokens"]) for row in rows)])
        inputs, targets, weights = OBJECTIVE.collate(batch, None)
        model.train_on_batch(inputs, np.where(weights > 0, targets, target), weights)
        steps.append([keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights])
    for actual, expected in zip(*steps, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_the_loss_is_that_of_answers_alone(words):
    keras.utils.set_random_seed(0)
    model = build_model(OBJECTIVE, shrink("lstm", vocabulary=words.vocabulary_size))
    (row,) = OBJECTIVE.examples(RECORDS[:1], words)
    logits = keras.ops.convert_to_numpy(model({"tokens": row["tokens"][None]}))[0]
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = [-logs[i, label] for i, label in enumerate(row["labels"]) if label >= 0]
    (actual,) = predictor.predict(model, OBJECTIVE, words, RECORDS[:1])
    np.testing.assert_allclose(actual["losses"], expected, rtol=1e-4)


def test_long_conversations_keep_their_answer(words, capfd):
    objective = FollowInstructions(length=8, max_new_tokens=4)
    long = {"instruction": "say in english " * 9, "output": "dog"}
    (row,) = objective.examples([long], words)
    assert len(row["tokens"]) == 8
    assert words.decode(row["labels"][row["labels"] >= 0]) == "dog"
    assert "Truncated on the left: 1 conversations longer than objective.length=8" in capfd.readouterr().err


def test_encoder_decoders_read_what_leads_to_each_answer(words):
    objective = OBJECTIVE.preparation(shrink("transformer")).objective
    first, second = objective.examples([{"messages": TALK}], words)
    assert words.decode(first["source"]) == "user : hund assistant :"
    assert words.decode(second["labels"]) == "cat"
    assert "dog" in words.decode(second["source"]).split()
    np.testing.assert_array_equal(second["target"][1:], second["labels"][:-1])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"instruction": "x"}, "Expected instruction and output, or messages, at .*:1"),
        ({"instruction": "x", "output": "  "}, "Expected an answer at .*:1"),
        ({"messages": TALK[:1]}, "Expected an answer at .*:1"),
    ],
)
def test_mistakes_are_named(tmp_path, record, reason):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=reason):
        OBJECTIVE.prepare(open_dataset(str(path), split_strategy=""), shrink("gpt2"))


def test_a_template_is_checked_at_once():
    with pytest.raises(ValueError, match="one of plain, chatml"):
        FollowInstructions(template="chatlm")
