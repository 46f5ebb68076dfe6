"""The helpdesk sample: schema, counts, offsets, tags, distinct texts, fields for every objective."""

import re
from collections import Counter

import pytest

from zoo.data.opening import open_dataset
from zoo.readers.sample import FOLDER, _rows

INTENTS = {"account", "cancellation", "defect", "delivery", "feedback", "payment", "product", "return"}
ENTITIES = {"product", "order_number", "person", "place", "date", "money"}
SCHEMA = [
    *("id", "split", "text", "intent", "sentiment", "tokens", "tags", "question", "answers"),
    *("summary", "spanish", "instruction", "output"),
]
ROWS = [row for split in ("train", "validation", "test") for _, row in _rows(FOLDER / "helpdesk.jsonl", split)]


def test_schema():
    for row in ROWS:
        assert list(row) == SCHEMA
        assert row["intent"] in INTENTS
        assert row["sentiment"] in ("negative", "neutral", "positive")
        strings = [row[field] for field in SCHEMA if field not in ("tokens", "tags", "answers")]
        assert all(isinstance(value, str) and value and value == value.strip() for value in strings)


def test_counts_and_splits():
    assert sorted(row["id"] for row in ROWS) == [f"helpdesk-{number:03}" for number in range(1, 301)]
    assert Counter(row["split"] for row in ROWS) == {"train": 220, "validation": 40, "test": 40}
    for split in ("validation", "test"):
        assert Counter(row["intent"] for row in ROWS if row["split"] == split) == dict.fromkeys(INTENTS, 5)


def test_texts():
    assert all(3 <= len(row["text"].split()) <= 120 for row in ROWS)
    assert len({" ".join(re.findall(r"\w+", row["text"].lower())) for row in ROWS}) == 300
    assert all(row["spanish"] != row["text"] for row in ROWS)


def test_answers_stand_where_they_say():
    for row in ROWS:
        for answer in row["answers"]:
            assert answer["text"]
            assert row["text"][answer["start"] :].startswith(answer["text"])
    assert sum(not row["answers"] for row in ROWS) == 28


def test_tags_are_valid_and_aligned():
    for row in ROWS:
        assert row["tokens"] == re.findall(r"\w+|[^\w\s]", row["text"])
        assert len(row["tokens"]) == len(row["tags"])
        for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False):
            kind = tag[2:]
            assert tag == "O" or (tag[:2] in ("B-", "I-") and kind in ENTITIES)
            assert not tag.startswith("I-") or before in (f"B-{kind}", f"I-{kind}")
    training = {tag for row in ROWS if row["split"] == "train" for tag in row["tags"]}
    assert {f"B-{kind}" for kind in ENTITIES} <= training


def test_every_tag_of_other_splits_is_in_training():
    dataset = open_dataset("sample:helpdesk")
    training = list(dataset.records("train"))
    for split in ("validation", "test"):
        for record in dataset.records(split):
            assert record["label"] in {row["label"] for row in training}
            assert set(record["tags"]) <= {tag for row in training for tag in row["tags"]}


def test_it_serves_every_objective():
    dataset = open_dataset(
        "sample:helpdesk", required=("text", "label", "tokens", "tags", "context", "question", "answers")
    )
    assert {record["label"] for record in dataset.records("train")} == INTENTS
    record = next(dataset.records("test"))
    assert record["context"] == record["source"] == record["input"] == record["text"]
    row = next(row for row in ROWS if row["id"] == record["id"])
    assert (record["target"], record["output"]) == (row["spanish"], row["output"])
    mapped = open_dataset("sample:helpdesk", columns={"label": "sentiment", "target": "summary"})
    assert {record["label"] for record in mapped.records("train")} == {"negative", "neutral", "positive"}
    assert next(mapped.records("test"))["target"] == row["summary"]
    assert mapped.fingerprint("test") != dataset.fingerprint("test")


def test_an_unknown_sample_names_the_nearest():
    with pytest.raises(
        ValueError, match=r"Expected a sample. Received: 'sample:helpdsk'. Did you mean 'helpdesk'\? Kno"
    ):
        open_dataset("sample:helpdsk")
    with pytest.raises(ValueError, match=r"Expected a column 'intnt' at sample:helpdesk:\d+.*The nearest is 'intent'"):
        open_dataset("sample:helpdesk", columns={"label": "intnt"})
