"""Joint classification and tagging: overfitted, in windows, scored, unsupported architectures."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from tiny import FakePredictor, all_on_torch, compatible, decide, overfit, shrink, spans_from

import zoo
from zoo.objectives import build_model
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.words import Words

SENTENCES = [
    ("play Bo Li", "O B-artist I-artist", "play"),
    ("play jazz in Rome", "O B-genre O B-place", "play"),
    ("weather in Rome", "O O B-place", "weather"),
    ("is it cold", "O O O", "weather"),
    ("book a table in York", "O O O O B-place", "book"),
    ("a table for Bo", "O O O B-artist", "book"),
    ("jazz", "B-genre", "play"),
    ("Rome", "B-place", "weather"),
]
RECORDS = [{"tokens": text.split(), "tags": tags.split(), "label": label} for text, tags, label in SENTENCES]
BOTH = ClassifyAndTag(
    labels=("book", "play", "weather"),
    tags=("O", "B-artist", "I-artist", "B-genre", "B-place"),
    scheme="bio",
    length=16,
    dropout=0.0,
)
WORDS = Words(whitespace=True, lower=False).train([text for text, *_ in SENTENCES])


@pytest.mark.parametrize("name", all_on_torch(compatible(BOTH)))
def test_every_architecture_that_is_able_to_learns_eight_records_by_heart(name):
    options = {"bidirectional": True} if hasattr(shrink(name), "bidirectional") else {}
    reads_bytes = name == "lstm_cnn"  # which finds words among bytes
    objective, tokenizer = (replace(BOTH, length=48), Bytes().train()) if reads_bytes else (BOTH, WORDS)
    _, predictions = overfit(objective, name, RECORDS, tokenizer, **options)
    scores = objective.scores(predictions, RECORDS)
    assert scores["accuracy_label"] == 1
    assert scores["f1"] > (0.6 if shrink(name, **options).causal else 0.99)


def test_a_crf_decodes_the_tags_and_not_the_label():
    objective = replace(BOTH, crf=True)
    _, predictions = overfit(objective, "lstm", RECORDS, WORDS, bidirectional=True)
    assert objective.scores(predictions, RECORDS)["accuracy_both"] == 1
    answer = objective.answer(predictions[0], objective.fields.record("play Bo Li"))
    assert answer["label"] == "play"
    assert next(iter(answer["probabilities"])) == "play"
    assert [(span["text"], span["label"], span["start"]) for span in answer["tags"]] == [("Bo Li", "artist", 5)]
    assert objective.format(answer).startswith("play 0.9")
    assert "artist: Bo Li 0." in objective.format(answer)
    rows = objective.per_class(predictions, RECORDS)
    assert [row["label"] for row in rows] == ["book", "play", "weather", "artist", "genre", "place"]
    assert objective.confusion_matrix(predictions, RECORDS).trace() == 8


def test_only_the_first_window_of_a_text_learns_and_tells_the_label():
    short = replace(BOTH, length=4, valid_only=False)
    rows = list(short.examples(RECORDS[4:5], WORDS))
    assert [row["label"].tolist() for row in rows] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    batch = {"tokens": np.zeros((3, 4)), "labels": np.zeros((3, 4)), "label": np.stack([row["label"] for row in rows])}
    assert short.collate(batch, None)[2]["label"].tolist() == [1, 0, 0]

    def outputs(examples):
        """A label that says which example it is."""
        return [{"tags": np.zeros((4, 5), "float32"), "label": np.eye(9)[i]} for i in range(len(examples))]

    records = [{"text": "a b c d e"}, {"text": ""}, {"text": "a b"}]
    nine = replace(short, labels=tuple("abcdefghi"))
    decisions = nine.predict(FakePredictor(nine, outputs), records, WORDS)
    assert [(len(decision["word_tags"]), decision["label"]) for decision in decisions] == [(5, 0), (0, 3), (2, 4)]


def test_a_text_counts_where_its_label_and_all_its_tags_are_right():
    right, wrong = ([0, 1, 2], [1, 1, 1]), ([0, 1, 1], [1, 1, 1])
    logits = np.eye(3, dtype="float32")[[1, 1, 0, 1]]
    labels = [
        {"classes": decision["labels"], "probabilities": decision["probabilities"]}
        for decision in decide(BOTH.classifier, logits)
    ]
    tags = [spans_from(BOTH, *tags) for tags in (right, wrong, right, right)]
    predictions = [tag | label for tag, label in zip(tags, labels, strict=True)]
    scores = BOTH.scores(predictions, RECORDS[:1] * 4)
    assert scores["accuracy_both"] == 0.5
    assert scores["accuracy_label"] == 0.75
    assert scores["accuracy"] == pytest.approx(11 / 12)
    assert BOTH.scores([], [])["accuracy_both"] == 0
    assert BOTH.selection_key(scores) > BOTH.selection_key(scores | {"loss_label": scores["loss_label"] + 1})


def write(folder, records):
    lines = (
        f'{{"tokens": {r["tokens"]}, "tags": {r["tags"]}, "label": "{r["label"]}"}}'.replace("'", '"') for r in records
    )
    (folder / "train.jsonl").write_text("\n".join(lines))
    return zoo.open_dataset(str(folder), required=BOTH.fields.required)


def test_labels_and_tags_come_from_the_training_split(tmp_path):
    prepared = ClassifyAndTag().prepare(write(tmp_path, RECORDS * 4), shrink("lstm"))
    assert prepared.labels == BOTH.labels
    assert set(prepared.tags) >= set(BOTH.tags)


def test_a_label_that_training_lacks_is_reported(tmp_path, capsys):
    objective = replace(BOTH, labels=("book", "play"), tags=())
    prepared = objective.prepare(write(tmp_path, RECORDS * 4), shrink("lstm"))
    assert prepared.labels == ("book", "play")
    assert "that the training split lacks" in capsys.readouterr().err


def test_a_label_that_training_lacks_is_a_mistake_as_in_scikit_learn():
    objective = replace(BOTH, labels=("book", "play"))
    true = [record["label"] for record in RECORDS]  # three of them are "weather"
    predicted = [0, 1, 1, 0, 0, 1, 1, 1]
    labels = decide(objective.classifier, np.eye(2, dtype="float32")[predicted])
    tags = [[objective.tags.index(tag) for tag in record["tags"]] for record in RECORDS]
    spans = [spans_from(objective, row, [1] * len(row)) for row in tags]
    predictions = [
        span | {"classes": label["labels"], "probabilities": label["probabilities"]}
        for span, label in zip(spans, labels, strict=True)
    ]
    scores = objective.scores(predictions, RECORDS)
    names = [objective.labels[index] for index in predicted]
    assert scores["accuracy_label"] == accuracy_score(true, names) == 3 / 8
    assert scores["f1_label"] == pytest.approx(f1_score(true, names, average="macro", zero_division=0))
    assert scores["f1"] == 1
    assert scores["accuracy_both"] == 3 / 8
    (weather,) = [row for row in objective.per_class(predictions, RECORDS) if row["label"] == "weather"]
    assert (weather["support"], weather["recall"]) == (3, 0)


def test_networks_without_token_features_are_refused():
    with pytest.raises(ValueError, match="classify_and_tag needs a feature vector per token. Received: TextCNN"):
        build_model(BOTH, shrink("text_cnn"))
