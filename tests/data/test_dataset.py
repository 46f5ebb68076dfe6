"""Opening, splits, columns, labels, fingerprints, streaming. (What goes wrong: readers/test_mistakes.py.)"""

import gzip
import json
import re
import tracemalloc
from contextlib import closing
from itertools import chain

import pytest

from zoo.data.labels import LabelCollector
from zoo.data.opening import open_dataset

TABLE = "text\tlabel\ngood\tyes\nbad\tno\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content if isinstance(content, bytes) else content.encode()
    with gzip.open(path, "wb") if path.suffix == ".gz" else open(path, "wb") as file:
        file.write(content)
    return path


def numbered(count):
    return "text\tlabel\n" + "".join(f"text {i}\t{i % 2}\n" for i in range(count))


def texts(dataset, split):
    return [record["text"] for record in dataset.records(split)]


# Splits


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "dev.csv", "text,label\nfine,yes\n")
    write(tmp_path / "test_2016.jsonl.gz", json.dumps({"text": "so", "label": "no"}))
    write(tmp_path / "README.md", "nothing")
    dataset = open_dataset(tmp_path)
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.derived_splits == ()
    assert [texts(dataset, split) for split in dataset.splits] == [["good", "bad"], ["fine"], ["so"]]
    assert dataset.describe("validation") == str(tmp_path / "dev.csv")


@pytest.mark.parametrize("name", ["valid", "val", "validation", "dev", "development"])
def test_validation_has_many_names(tmp_path, name):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / f"{name}.tsv", TABLE)
    assert open_dataset(tmp_path).splits == ("train", "validation")
    for split in (name, "validation"):
        assert open_dataset(f"{tmp_path}#{split}").splits == ("validation",)


def test_a_file_called_just_train_goes_before_others(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "train_more.tsv", numbered(50))
    write(tmp_path / "valid.tsv", TABLE)
    assert len(texts(open_dataset(tmp_path), "train")) == 2


def test_a_file_named_after_a_split_is_that_split(tmp_path):
    dataset = open_dataset(write(tmp_path / "dev.tsv", TABLE))
    assert (dataset.splits, dataset.derived_splits) == (("validation",), ())


def test_one_file_is_split_80_10_10(tmp_path):
    file = write(tmp_path / "all.tsv", numbered(1000))
    dataset = open_dataset(file)
    assert dataset.derived_splits == ("validation", "test")
    parts = {split: texts(dataset, split) for split in dataset.splits}
    assert {split: len(part) for split, part in parts.items()} == {"train": 800, "validation": 100, "test": 100}
    assert sorted(chain(*parts.values())) == sorted(f"text {i}" for i in range(1000))
    assert parts == {split: texts(open_dataset(file), split) for split in dataset.splits}
    assert parts["test"] != texts(open_dataset(file, seed=1), "test")
    assert "derived with seed 0" in dataset.describe("test")


def test_derived_splits_are_spread_over_sorted_records(tmp_path):
    """Every block of ten has one record of each derived split, at a position that differs from block to block."""
    dataset = open_dataset(write(tmp_path / "all.tsv", numbered(500)))
    positions = [int(text.removeprefix("text ")) for text in texts(dataset, "validation")]
    assert [position // 10 for position in positions] == list(range(50))
    assert len({position % 10 for position in positions}) == 10


def test_derived_splits_are_stable(tmp_path):
    dataset = open_dataset(write(tmp_path / "all.tsv", numbered(30)))
    assert texts(dataset, "validation") == ["text 2", "text 14", "text 20"]
    assert texts(dataset, "test") == ["text 5", "text 17", "text 29"]


def test_a_missing_validation_is_derived_90_10(tmp_path):
    write(tmp_path / "train.tsv", numbered(100))
    write(tmp_path / "test.tsv", TABLE)
    dataset = open_dataset(tmp_path)
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.derived_splits == ("validation",)
    assert [len(texts(dataset, split)) for split in dataset.splits] == [90, 10, 2]


def test_a_missing_test_is_left_missing(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "valid.tsv", TABLE)
    assert open_dataset(tmp_path).splits == ("train", "validation")


def test_no_splits_are_derived_without_a_strategy(tmp_path):
    dataset = open_dataset(write(tmp_path / "mine.tsv", numbered(20)), split_strategy="")
    assert dataset.splits == ("train",)
    assert len(texts(dataset, "train")) == 20


def test_one_split_can_be_picked(tmp_path):
    file = write(tmp_path / "all.tsv", numbered(100))
    dataset = open_dataset(f"{file}#test")
    assert (dataset.splits, dataset.derived_splits) == (("test",), ("test",))
    assert texts(dataset, "test") == texts(open_dataset(file), "test")


def test_a_hash_in_a_file_name_is_part_of_the_name(tmp_path):
    assert open_dataset(write(tmp_path / "c#.tsv", numbered(20))).splits == ("train", "validation", "test")


# Fields


def test_columns_are_mapped(tmp_path):
    rows = [{"words": ["a", "b"], "intent": 3, "extra": {}}, {"words": "c", "intent": "x", "extra": None}]
    file = write(tmp_path / "train.jsonl", "\n".join(map(json.dumps, rows)))
    dataset = open_dataset(f"{file}", columns={"text": "words", "label": "intent"}, split_strategy="")
    assert list(dataset.records("train")) == [{"text": "a b", "label": "3"}, {"text": "c", "label": "x"}]


@pytest.mark.parametrize(
    ("field", "raw", "expected"),
    [
        ("labels", "a; b ;", ["a", "b"]),
        ("labels", "", []),
        ("labels", ["a", "b c"], ["a", "b c"]),
        ("tokens", "a b", ["a", "b"]),
        ("label", 1.5, "1.5"),
        ("input", None, ""),
        ("text", "", ""),
        ("answers", [{"text": "x", "answer_start": 3, "more": 1}], [{"text": "x", "start": 3}]),
        ("answers", {"text": ["x"], "answer_start": [3]}, [{"text": "x", "start": 3}]),
        ("answers", [{"text": "x", "start": 0}], [{"text": "x", "start": 0}]),
        ("answers", [], []),
        ("messages", [{"role": "user", "content": "hi"}], [{"role": "user", "content": "hi"}]),
    ],
)
def test_each_field_has_one_form(tmp_path, field, raw, expected):
    dataset = open_dataset(write(tmp_path / "train.jsonl", json.dumps({field: raw})), split_strategy="")
    assert list(dataset.records("train")) == [{field: expected}]


def test_an_empty_label_that_is_not_needed_is_no_mistake(tmp_path):
    file = write(tmp_path / "test.tsv", "text\tlabel\na\t\n")
    assert list(open_dataset(file, required=("text",)).records("test")) == [{"text": "a"}]


# Labels


def collect_labels(dataset, field="label"):
    """The labels of the training split, once those of the other splits are checked."""
    collector = LabelCollector(field)
    for split, location, record in dataset.visit():
        collector.add(split, location, record)
    labels = collector.labels(dataset.describe("train"))
    collector.check(labels, dataset.describe)
    return labels


def test_labels_come_from_the_training_split_sorted(tmp_path):
    write(tmp_path / "train.jsonl", '{"label": "b", "tags": ["O", "X"]}\n{"label": "a", "tags": []}')
    write(tmp_path / "dev.jsonl", '{"label": "a", "tags": ["X"]}')
    dataset = open_dataset(tmp_path)
    assert collect_labels(dataset) == ("a", "b")
    assert collect_labels(dataset, "tags") == ("O", "X")
    with pytest.raises(ValueError, match=r"Expected a column 'labels' at .*train.jsonl:1. Map it by --columns labels="):
        collect_labels(dataset, "labels")


def test_labels_that_the_training_split_lacks_are_reported(tmp_path, capsys):
    write(tmp_path / "train.jsonl", '{"label": "b", "tags": ["O", "X"]}\n{"label": "aa", "tags": []}')
    write(tmp_path / "dev.jsonl", '{"label": "a", "tags": ["Y"]}\n{"label": "b", "tags": ["O"]}')
    dataset = open_dataset(tmp_path)
    assert collect_labels(dataset) == ("aa", "b")
    message = capsys.readouterr().err
    assert "that the training split lacks" in message
    assert f"a (1), first at {tmp_path / 'dev.jsonl'}:1. Did you mean 'aa'?" in message
    assert collect_labels(dataset, "tags") == ("O", "X")
    assert f"Y (1), first at {tmp_path / 'dev.jsonl'}:1." in capsys.readouterr().err


def test_a_split_with_none_of_the_labels_is_refused(tmp_path):
    write(tmp_path / "train.jsonl", '{"label": "b"}\n{"label": "aa"}')
    write(tmp_path / "dev.jsonl", '{"label": "a"}')
    location = re.escape(f"{tmp_path / 'dev.jsonl'}:1")
    with pytest.raises(ValueError, match=rf"such as aa, b in .*Received: label='a' at {location}. Did you mean 'aa'"):
        collect_labels(open_dataset(tmp_path))


def test_one_class_only_is_refused(tmp_path):
    dataset = open_dataset(write(tmp_path / "train.tsv", "text\tlabel\n" + "a\tyes\n" * 20))
    with pytest.raises(
        ValueError, match=r"Expected at least two different values of 'label' in .*train.tsv.*\['yes'\]"
    ):
        collect_labels(dataset)


def test_an_unknown_split_names_the_known_ones(tmp_path):
    dataset = open_dataset(write(tmp_path / "dev.tsv", TABLE))
    with pytest.raises(ValueError, match=r"Unknown split of .*dev.tsv. Received: split='train'. Known: validation\."):
        list(dataset.records("train"))


# Fingerprints and streaming


def test_a_fingerprint_changes_with_the_content_and_the_way_of_reading(tmp_path):
    file = write(tmp_path / "a.tsv", numbered(20))
    copy = write(tmp_path / "b.tsv", numbered(20))
    longer = write(tmp_path / "c.tsv", numbered(21))
    settings = [{}, {"seed": 1}, {"errors": "replace"}, {"columns": {"target": "label"}}]
    prints = [open_dataset(file, **setting).fingerprint("train") for setting in settings]
    prints += [open_dataset(file).fingerprint("test"), open_dataset(longer).fingerprint("train")]
    assert len(set(prints)) == len(prints)
    assert open_dataset(copy).fingerprint("train") == prints[0]


@pytest.mark.parametrize("name", ["big.tsv", "big.csv", "big.jsonl", "big.txt", "big.conll", "big.tsv.gz"])
def test_records_stream(tmp_path, name):
    """10,000 records of 800 characters are read within half a megabyte."""
    line = {
        "tsv": "x" * 800 + "\ty\n",
        "csv": "x" * 800 + ",y\n",
        "jsonl": json.dumps({"text": "x" * 800, "label": "y"}) + "\n",
        "txt": "x" * 800 + "\n",
        "conll": "x" * 800 + "\ty\n\n",
    }[name.split(".")[1]]
    header = {"tsv": "text\tlabel\n", "csv": "text,label\n"}.get(name.split(".")[1], "")
    dataset = open_dataset(write(tmp_path / name, header + line * 10_000))
    tracemalloc.start()
    try:
        count = sum(1 for _ in dataset.records("train"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 8_000
    assert peak < 500_000


def test_records_can_be_read_again_and_left_halfway(tmp_path):
    dataset = open_dataset(write(tmp_path / "train.tsv", numbered(100)), split_strategy="")
    with closing(dataset.records("train")) as records:
        first = next(records)
    assert next(dataset.records("train")) == first
    assert len(texts(dataset, "train")) == 100


def test_splits_of_running_text_are_derived_from_its_end(tmp_path):
    (tmp_path / "play.txt").write_text("".join(f"line {i}\n" for i in range(50)))
    dataset = open_dataset(tmp_path / "play.txt", split_strategy="end")
    lines = {split: [int(record["text"].split()[1]) for record in dataset.records(split)] for split in dataset.splits}
    assert lines == {"train": [*range(40)], "validation": [*range(40, 45)], "test": [*range(45, 50)]}
    assert "derived from its end" in dataset.describe("validation")
    assert dataset.fingerprint("train") != open_dataset(tmp_path / "play.txt").fingerprint("train")
