"""The sample of requests: schema, counts, tags, distinct texts, no tag of validation or test that training lacks."""

from collections import Counter

from zoo.data.opening import open_dataset
from zoo.readers.sample import FOLDER, _rows

SPLITS = ("train", "validation", "test")
ROWS = [row for split in SPLITS for _, row in _rows(FOLDER / "requests.jsonl", split)]


def rows_of(split):
    return [row for row in ROWS if row["split"] == split]


def test_schema_counts_and_balance():
    assert all(list(row) == ["id", "split", "text", "intent", "tokens", "tags"] for row in ROWS)
    assert sorted(row["id"] for row in ROWS) == [f"requests-{number:04}" for number in range(1, 1401)]
    for split, count in zip(SPLITS, (142, 29, 29), strict=True):
        counts = Counter(row["intent"] for row in rows_of(split))
        assert len(counts) == 7
        assert set(counts.values()) == {count}


def test_texts_are_distinct_and_made_of_their_tokens():
    assert len({row["text"].lower() for row in ROWS}) == 1400
    assert all(row["text"].split() == row["tokens"] and len(row["tokens"]) >= 3 for row in ROWS)


def test_tags_are_valid_and_those_of_training():
    for row in ROWS:
        assert len(row["tags"]) == len(row["tokens"])
        for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False):
            assert tag == "O" or tag[:2] in ("B-", "I-")
            assert not tag.startswith("I-") or before in (f"B-{tag[2:]}", tag)
    training = {tag for row in rows_of("train") for tag in row["tags"]}
    assert {tag for row in ROWS for tag in row["tags"]} == training
    assert len({tag[2:] for tag in training - {"O"}}) == 39


def test_the_label_is_the_intent():
    dataset = open_dataset("sample:requests", required=("text", "label", "tokens", "tags"))
    record = next(dataset.records("test"))
    row = next(row for row in ROWS if row["id"] == record["id"])
    assert (record["label"], record["tags"]) == (row["intent"], row["tags"])
