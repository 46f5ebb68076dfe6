"""Sequence labelling: spans and plain tags, words and pieces, long texts, every compatible architecture."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from tiny import FakePredictor, all_on_torch, compatible, decide, overfit, shrink, spans_from

import zoo
from zoo.data import span_schemes
from zoo.objectives import build_model
from zoo.objectives.tag_tokens import TagTokens
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

SENTENCES = [
    ("Ann met Bo Li in Rome .", "B-per O B-per I-per O B-loc O"),
    ("Rome is big", "B-loc O O"),
    ("nothing here", "O O"),
    ("Bo Li Ann", "B-per I-per B-per"),
    ("in New York", "O B-loc I-loc"),
    ("York met Ann", "B-per O B-per"),
    ("Li", "B-per"),
    ("big New met New York", "O B-loc O B-loc I-loc"),
]
RECORDS = [{"tokens": text.split(), "tags": tags.split()} for text, tags in SENTENCES]
TEXTS = [text for text, _ in SENTENCES]
ENTITIES = TagTokens(tags=("O", "B-loc", "I-loc", "B-per", "I-per"), scheme="bio", length=16, dropout=0.0)
SPEECH = TagTokens(tags=("ADP", "NOUN", "PROPN", "X"), scheme="plain", length=16, dropout=0.0)
WORDS = Words(whitespace=True, lower=False).train(TEXTS)


@pytest.mark.parametrize("name", all_on_torch(compatible(ENTITIES)))
def test_every_architecture_that_is_able_to_learns_eight_records_by_heart(name):
    architecture = shrink(name)
    options = {"bidirectional": True} if hasattr(architecture, "bidirectional") else {}
    reads_bytes = name == "lstm_cnn"  # which finds words among bytes
    objective, tokenizer = (replace(ENTITIES, length=48), Bytes().train()) if reads_bytes else (ENTITIES, WORDS)
    _, predictions = overfit(objective, name, RECORDS, tokenizer, **options)
    causal = shrink(name, **options).causal  # the tag of "New" depends on "York" after it
    assert ENTITIES.scores(predictions, RECORDS)["f1"] > (0.6 if causal else 0.99)


def test_a_crf_on_pieces_of_words_learns_by_heart():
    objective, pieces = replace(ENTITIES, crf=True, length=32), WordPieces(vocabulary=50, lower=False).train(TEXTS)
    assert len(pieces.encode("Rome New York").ids) > 5  # words have several pieces
    model, predictions = overfit(objective, "lstm", RECORDS, pieces, bidirectional=True)
    assert objective.scores(predictions, RECORDS) == {"f1": 1, "precision": 1, "recall": 1, "accuracy": 1}
    assert [row["support"] for row in objective.per_class(predictions, RECORDS)] == [5, 7]
    assert keras.ops.convert_to_numpy(model.get_layer("tags").transitions).any()


def test_plain_tags_are_learned_by_heart_from_bytes():
    records = [{"tokens": ["in", "Rome"], "tags": ["ADP", "PROPN"]}, {"tokens": ["food"], "tags": ["NOUN"]}]
    _, predictions = overfit(replace(SPEECH, length=32), "lstm_cnn", records, Bytes().train(), vocabulary=261)
    assert SPEECH.scores(predictions, records) == {"accuracy": 1}
    assert SPEECH.per_class(predictions, records)[1] == {
        "label": "NOUN",
        "precision": 1,
        "recall": 1,
        "f1": 1,
        "support": 1,
    }
    answer = SPEECH.answer(predictions[0], records[0])
    assert [(word["text"], word["tag"], word["start"], word["end"]) for word in answer] == [
        ("in", "ADP", 0, 2),
        ("Rome", "PROPN", 3, 7),
    ]
    assert SPEECH.format(answer) == "in/ADP Rome/PROPN"


def rows(objective, tokenizer, train=True):
    return list(objective.examples(RECORDS, tokenizer, train))


def test_a_word_is_tagged_at_its_first_piece_alone():
    pieces = WordPieces(vocabulary=50, lower=False).train(TEXTS)
    record = {"tokens": ["Rome", "Li"], "tags": ["B-loc", "B-per"]}
    (row,) = replace(ENTITIES, length=32).examples([record], pieces)
    encoding = pieces.encode("Rome Li")
    starts = [0, *(i for i, (start, _) in enumerate(encoding.offsets) if start in (0, 5) and encoding.ids[i] >= 5)]
    expected = np.full(len(encoding), -1)
    expected[starts[1:]] = [1, 3]
    np.testing.assert_array_equal(row["tokens"], encoding.ids)
    np.testing.assert_array_equal(row["labels"], expected)


def test_a_text_that_is_too_long_is_read_in_windows_and_no_word_is_lost():
    short = replace(ENTITIES, length=5)
    windows = list(short.examples(RECORDS[:1], WORDS))
    assert [len(window["tokens"]) for window in windows] == [5, 5, 3]
    tags = np.concatenate([window["labels"][1:-1] for window in windows])
    np.testing.assert_array_equal(tags, [3, 0, 3, 4, 0, 1, 0])

    def outputs(examples):
        """Scores by which the tag of each word is its id modulo 5."""
        return [np.pad(np.eye(5)[example["tokens"] % 5], ((0, 4), (0, 0))) for example in examples]

    free = replace(short, valid_only=False)
    decisions = free.predict(FakePredictor(free, outputs), RECORDS, WORDS)
    for record, decision in zip(RECORDS, decisions, strict=True):
        ids = WORDS.encode(" ".join(record["tokens"]), special=False).ids
        np.testing.assert_array_equal(decision["word_tags"], ids % 5)


def test_there_must_be_room_for_words():
    with pytest.raises(ValueError, match="Expected room for words beside the special tokens. Received: length=2"):
        rows(replace(ENTITIES, length=2), WORDS)


def test_words_without_a_piece_and_empty_texts_are_answered():
    pieces = WordPieces(vocabulary=60, lower=False).train(TEXTS)
    records = [{"tokens": []}, {"tokens": ["\u200b", "Rome"]}, {"text": " "}]

    def outputs(examples):
        return [np.eye(5, dtype="float32")[np.full(len(example["tokens"]), 1)] * 9 for example in examples]

    decisions = ENTITIES.predict(FakePredictor(ENTITIES, outputs), records, pieces)
    assert [decision["word_tags"].tolist() for decision in decisions] == [[], [0, 1], []]
    assert ENTITIES.answer(decisions[1], records[1])[0]["text"] == "Rome"
    assert ENTITIES.format([]) == "(none)"


def test_a_raw_text_is_split_into_words_and_answered_with_its_own_characters():
    record = ENTITIES.fields.record("Ann's  friend, Bo Li!")
    answer = ENTITIES.answer(spans_from(ENTITIES, [3, 0, 0, 3, 4, 0], [0.9, 1, 1, 0.8, 0.7, 1]), record)
    assert answer == [
        {"text": "Ann's", "label": "per", "score": pytest.approx(0.9), "start": 0, "end": 5},
        {"text": "Bo Li", "label": "per", "score": pytest.approx(0.7), "start": 15, "end": 20},
    ]
    assert ENTITIES.format(answer) == "per: Ann's 0.900  per: Bo Li 0.700"


def test_invalid_transitions_are_not_decoded():
    scores = np.array([[[0, 0, 5, 0, 0], [0, 0, 5, 0, 4]]], "float32")
    outputs = {"tags": scores, "padding_mask": np.ones((1, 2), bool)}
    free, valid = (decide(replace(ENTITIES, valid_only=valid), outputs)[0] for valid in (False, True))
    assert free["word_tags"].tolist() == [2, 2]
    assert valid["word_tags"].tolist() == [1, 2]
    assert SPEECH.tag_set.allowed() is None


@pytest.mark.parametrize("objective", [ENTITIES, SPEECH], ids=["spans", "plain"])
def test_spans_are_those_of_the_best_tags_whatever_the_padding(objective):
    count, lengths = len(objective.tags), (7, 3, 0, 1)
    scores = [np.random.default_rng(n).normal(size=(n, count), scale=3).astype("float32") for n in lengths]
    padded = np.stack([np.pad(row, ((0, 8 - len(row)), (0, 0))) for row in scores])
    mask = np.arange(8) < np.array(lengths)[:, None]
    decisions = decide(objective, {"tags": padded, "padding_mask": mask})
    (name, names), *_ = objective.outputs.items()
    for decision, row in zip(decisions, scores, strict=True):
        tags = [objective.tags[i] for i in decision["word_tags"][: len(row)]]
        probabilities = np.exp(row) / np.exp(row).sum(-1, keepdims=True)
        probabilities = probabilities[np.arange(len(row)), decision["word_tags"][: len(row)]]
        expected = [(tag, i, i + 1) for i, tag in enumerate(tags)]
        expected = span_schemes.decode(tags) if objective.tag_set.spans else expected
        is_span = decision["first"] >= 0
        columns = (decision[column][is_span].tolist() for column in (name, "first", "last"))
        assert [(names[i], first, last + 1) for i, first, last in zip(*columns, strict=True)] == expected
        lowest = [probabilities[start:end].min() for _, start, end in expected]
        np.testing.assert_allclose(decision["scores"][is_span], lowest, rtol=1e-5)
        assert {names[i] for i in decision[name][~is_span]} <= {""}


def test_networks_without_token_features_are_refused():
    with pytest.raises(
        ValueError, match="tag_tokens needs a feature vector per token. Received: TextCNN, which has one per text"
    ):
        build_model(ENTITIES, shrink("text_cnn"))
    with pytest.raises(
        ValueError, match="one sequence of tokens. Received: Transformer, which reads source and target"
    ):
        build_model(ENTITIES, shrink("transformer"))


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match=r"Unknown scheme. Received: 'bioe'. Did you mean 'bioes'\? Known: auto, bio,"):
        TagTokens(scheme="bioe")


def write(folder, sentences, name="train"):
    lines = (
        "".join(f"{w}\t{t}\n" for w, t in zip(text.split(), tags.split(), strict=True)) for text, tags in sentences
    )
    (folder / f"{name}.conll").write_text("\n".join(lines))
    return folder


def prepared(folder, objective=TagTokens()):  # noqa: B008
    return objective.prepare(zoo.open_dataset(str(folder), required=objective.fields.required), shrink("lstm"))


def test_tags_and_scheme_come_from_the_training_split(tmp_path, capsys):
    objective = prepared(write(tmp_path, SENTENCES * 3))
    assert (objective.tags, objective.scheme, objective.monitor) == (ENTITIES.tags, "bio", "f1")
    plain = prepared(write(tmp_path, [("a b", "X NOUN")] * 30))
    assert (plain.tags, plain.scheme, plain.monitor) == (("NOUN", "X"), "plain", "accuracy")
    single = prepared(write(tmp_path, [("a b c d", "B-x E-x O S-y")] * 30))
    assert single.tags == ("O", *(f"{prefix}-{label}" for label in "xy" for prefix in "BIES"))
    assert "Repaired" not in capsys.readouterr().err


def test_iob1_is_learned_as_bio(tmp_path, capsys):
    objective = prepared(write(tmp_path, [("a b c d", "I-x I-x B-x O")] * 30))
    assert (objective.scheme, objective.tags) == ("iob1", ("O", "B-x", "I-x"))
    (row,) = objective.examples([{"tokens": list("abcd"), "tags": ["I-x", "I-x", "B-x", "O"]}], Words().train(["a b"]))
    assert row["labels"].tolist() == [-1, 1, 2, 1, 0, -1]
    assert "Repaired" not in capsys.readouterr().err


def test_an_inside_without_its_begin_is_repaired_and_counted(tmp_path, capsys):
    objective = prepared(write(tmp_path, [("a b c d", "I-x I-x O B-x"), ("a b", "O I-x")] * 20))
    message = re.findall(r"Repaired in .*: (\d+) spans that did not begin, or end,", capsys.readouterr().err)
    assert sum(map(int, message)) == 40
    (row,) = objective.examples([{"tokens": list("ab"), "tags": ["O", "I-x"]}], Words().train(["a b"]))
    assert row["labels"].tolist() == [-1, 0, 1, -1]


def test_unknown_tags_are_reported_and_never_correct(tmp_path, capsys):
    write(tmp_path, SENTENCES * 3)
    write(tmp_path, [("a b", "B-per B-god")], "test")
    objective = prepared(tmp_path)
    assert "Never predicted, since not in the training split, in" in capsys.readouterr().err
    records = [{"tokens": ["a", "b"], "tags": ["B-per", "B-god"]}]
    scores = objective.scores([spans_from(objective, [3, 3], [1, 1])], records)
    assert scores["recall"] == scores["accuracy"] == 0.5


def test_a_split_whose_tags_are_all_unknown_is_refused(tmp_path):
    write(tmp_path, SENTENCES * 3)
    write(tmp_path, [("a b", "NOUN VERB")], "test")
    with pytest.raises(ValueError, match=r"Expected tags such as O, B-loc, .*test.conll. Received: "):
        prepared(tmp_path)


def test_a_tag_that_is_of_no_span_among_spans_is_named(tmp_path):
    write(tmp_path, SENTENCES * 8 + [("a b", "B-per I_per")])
    with pytest.raises(
        ValueError, match=r"Expected tags of spans.*Received: 'I_per' at .*train.conll:\d+\. Correct it"
    ):
        prepared(tmp_path)
    assert prepared(tmp_path, TagTokens(scheme="plain")).scheme == "plain"


def test_tags_that_do_not_match_tokens_are_told_with_file_and_line(tmp_path):
    (tmp_path / "d.jsonl").write_text('{"tokens": ["a"], "tags": ["X"]}\n{"tokens": ["a", "b"], "tags": ["X"]}\n')
    dataset = zoo.open_dataset(str(tmp_path / "d.jsonl"), required=("tokens", "tags"), split_strategy="")
    with pytest.raises(ValueError, match=r"d.jsonl:2. Received: 2 tokens, 1 tags"):
        list(dataset.records(dataset.splits[0]))
    (tmp_path / "d.conll").write_text("a\tX\nb\n")
    with pytest.raises(ValueError, match=r"a token in column 1 and its tag in column 2 at .*d.conll:2"):
        zoo.open_dataset(str(tmp_path / "d.conll"), required=("tokens", "tags"), split_strategy="")
