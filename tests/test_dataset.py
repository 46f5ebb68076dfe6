"""Opening, splits, columns, labels, fingerprints, streaming, and the text of every error."""

import gzip
import json
import re
import tracemalloc
from contextlib import closing
from itertools import chain

import pytest

from zoo.dataset import FIELDS, check_labels, collect_labels, open_dataset

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


def read_all(*arguments, **settings):
    dataset = open_dataset(*arguments, **settings)
    return [list(dataset.records(split)) for split in dataset.splits]


def refused(message, *arguments, **settings):
    """Checks that opening and reading everything raises one line that has all parts of `message`, in order."""
    pattern = ".*".join(re.escape(part) for part in message.split("..."))
    with pytest.raises(ValueError, match=pattern) as caught:
        read_all(*arguments, **settings)
    assert "\n" not in str(caught.value)


# Splits


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "dev.csv", "text,label\nfine,yes\n")
    write(tmp_path / "test_2016.jsonl.gz", json.dumps({"text": "so", "label": "no"}))
    write(tmp_path / "README.md", "nothing")
    dataset = open_dataset(tmp_path)
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.drawn == ()
    assert [texts(dataset, split) for split in dataset.splits] == [["good", "bad"], ["fine"], ["so"]]
    assert dataset.where("validation") == str(tmp_path / "dev.csv")


@pytest.mark.parametrize("name", ["valid", "val", "validation", "dev", "development"])
def test_validation_has_many_names(tmp_path, name):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / f"{name}.tsv", TABLE)
    assert open_dataset(tmp_path).splits == ("train", "validation")
    for asked in (name, "validation"):
        assert open_dataset(f"{tmp_path}#{asked}").splits == ("validation",)


def test_a_file_called_just_train_goes_before_others(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "train_more.tsv", numbered(50))
    write(tmp_path / "valid.tsv", TABLE)
    assert len(texts(open_dataset(tmp_path), "train")) == 2


def test_a_file_named_after_a_split_is_that_split(tmp_path):
    dataset = open_dataset(write(tmp_path / "dev.tsv", TABLE))
    assert (dataset.splits, dataset.drawn) == (("validation",), ())


def test_one_file_is_drawn_80_10_10(tmp_path):
    file = write(tmp_path / "all.tsv", numbered(1000))
    dataset = open_dataset(file)
    assert dataset.drawn == ("validation", "test")
    parts = {split: texts(dataset, split) for split in dataset.splits}
    assert {split: len(part) for split, part in parts.items()} == {"train": 800, "validation": 100, "test": 100}
    assert sorted(chain(*parts.values())) == sorted(f"text {i}" for i in range(1000))
    assert parts == {split: texts(open_dataset(file), split) for split in dataset.splits}
    assert parts["test"] != texts(open_dataset(file, seed=1), "test")
    assert "drawn with seed 0" in dataset.where("test")


def test_drawing_spreads_sorted_records(tmp_path):
    """Every block of ten gives one record to each drawn split, at a place that differs from block to block."""
    dataset = open_dataset(write(tmp_path / "all.tsv", numbered(500)))
    places = [int(text.removeprefix("text ")) for text in texts(dataset, "validation")]
    assert [place // 10 for place in places] == list(range(50))
    assert len({place % 10 for place in places}) == 10


def test_drawing_is_the_same_for_ever(tmp_path):
    dataset = open_dataset(write(tmp_path / "all.tsv", numbered(30)))
    assert texts(dataset, "validation") == ["text 2", "text 14", "text 20"]
    assert texts(dataset, "test") == ["text 5", "text 17", "text 29"]


def test_a_missing_validation_is_drawn_90_10(tmp_path):
    write(tmp_path / "train.tsv", numbered(100))
    write(tmp_path / "test.tsv", TABLE)
    dataset = open_dataset(tmp_path)
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.drawn == ("validation",)
    assert [len(texts(dataset, split)) for split in dataset.splits] == [90, 10, 2]


def test_a_missing_test_is_left_missing(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "valid.tsv", TABLE)
    assert open_dataset(tmp_path).splits == ("train", "validation")


def test_nothing_is_drawn_where_drawing_is_off(tmp_path):
    dataset = open_dataset(write(tmp_path / "mine.tsv", numbered(20)), draw=False)
    assert dataset.splits == ("train",)
    assert len(texts(dataset, "train")) == 20


def test_one_split_can_be_picked(tmp_path):
    file = write(tmp_path / "all.tsv", numbered(100))
    dataset = open_dataset(f"{file}#test")
    assert (dataset.splits, dataset.drawn) == (("test",), ("test",))
    assert texts(dataset, "test") == texts(open_dataset(file), "test")


def test_a_hash_in_a_file_name_is_part_of_the_name(tmp_path):
    assert open_dataset(write(tmp_path / "c#.tsv", numbered(20))).splits == ("train", "validation", "test")


# Fields


def test_columns_are_mapped(tmp_path):
    rows = [{"words": ["a", "b"], "intent": 3, "extra": {}}, {"words": "c", "intent": "x", "extra": None}]
    file = write(tmp_path / "train.jsonl", "\n".join(map(json.dumps, rows)))
    dataset = open_dataset(f"{file}", columns={"text": "words", "label": "intent"}, draw=False)
    assert list(dataset.records("train")) == [{"text": "a b", "label": "3"}, {"text": "c", "label": "x"}]


@pytest.mark.parametrize(
    ("field", "given", "expected"),
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
def test_each_field_has_one_form(tmp_path, field, given, expected):
    dataset = open_dataset(write(tmp_path / "train.jsonl", json.dumps({field: given})), draw=False)
    assert list(dataset.records("train")) == [{field: expected}]


def test_an_empty_label_that_is_not_needed_is_no_mistake(tmp_path):
    file = write(tmp_path / "test.tsv", "text\tlabel\na\t\n")
    assert list(open_dataset(file, need=("text",)).records("test")) == [{"text": "a", "label": ""}]


# Labels


def test_labels_come_from_the_training_split_sorted(tmp_path):
    write(tmp_path / "train.jsonl", '{"label": "b", "tags": ["O", "X"]}\n{"label": "a", "tags": []}')
    write(tmp_path / "dev.jsonl", '{"label": "c", "tags": ["Y"]}')
    dataset = open_dataset(tmp_path)
    assert collect_labels(dataset) == ("a", "b")
    assert collect_labels(dataset, "tags") == ("O", "X")
    check_labels(dataset, ("a", "b", "c"))
    place = re.escape(str(tmp_path / "dev.jsonl") + ":1")
    with pytest.raises(ValueError, match=rf"a label that the training split has, at {place}. Received: label='c'\."):
        check_labels(dataset, ("a", "b"))
    with pytest.raises(ValueError, match=r"Received: tags='Y'\."):
        check_labels(dataset, ("O", "X"), field="tags")
    with pytest.raises(ValueError, match=r"Received: label='c'\. Did you mean 'cc'\?"):
        check_labels(dataset, ("a", "cc"))
    with pytest.raises(ValueError, match=r"Expected a column 'labels' at .*train.jsonl:1. Map it by --columns labels="):
        collect_labels(dataset, "labels")


def test_one_class_only_is_refused(tmp_path):
    dataset = open_dataset(write(tmp_path / "train.tsv", "text\tlabel\n" + "a\tyes\n" * 20))
    with pytest.raises(
        ValueError, match=r"Expected at least two different values of 'label' in .*train.tsv.*\['yes'\]"
    ):
        collect_labels(dataset)


def test_no_training_split_has_no_labels(tmp_path):
    with pytest.raises(ValueError, match=r"Unknown split of .*dev.tsv. Received: split='train'. Known: validation\."):
        collect_labels(open_dataset(write(tmp_path / "dev.tsv", TABLE)))


# Fingerprints and streaming


def test_a_fingerprint_changes_with_the_content_and_the_way_of_reading(tmp_path):
    file = write(tmp_path / "a.tsv", numbered(20))
    same = write(tmp_path / "b.tsv", numbered(20))
    other = write(tmp_path / "c.tsv", numbered(21))
    settings = [{}, {"seed": 1}, {"errors": "replace"}, {"columns": {"target": "label"}}]
    prints = [open_dataset(file, **setting).fingerprint("train") for setting in settings]
    prints += [open_dataset(file).fingerprint("test"), open_dataset(other).fingerprint("train")]
    assert len(set(prints)) == len(prints)
    assert open_dataset(same).fingerprint("train") == prints[0]


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
    dataset = open_dataset(write(tmp_path / "train.tsv", numbered(100)), draw=False)
    with closing(dataset.records("train")) as records:
        first = next(records)
    assert next(dataset.records("train")) == first
    assert len(texts(dataset, "train")) == 100


# Mistakes


def test_missing_file_names_the_nearest(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    refused("Expected a file or folder. Received: path=...trian.tsv'...train.tsv'", tmp_path / "trian.tsv")
    refused("Received: path=..., but there is no folder ...nowhere", tmp_path / "nowhere" / "train.tsv")
    refused("Expected a file or folder. Received: path='smaple:helpdesk'", "smaple:helpdesk")


def test_unknown_extension_names_the_known(tmp_path):
    file = write(tmp_path / "train.xlsx", "x")
    known = ".conll, .conllu, .csv, .json, .jsonl, .tsv, .txt, each also with .gz."
    refused(f"Expected a file of a known format. Received: extension '.xlsx' of ... Known: {known}", file)
    refused("Received: extension '.tvs' of ... Did you mean '.tsv'?", write(tmp_path / "train.tvs.gz", "x"))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl", "a.json", "a.txt", "a.conll", "a.conllu", "a.tsv.gz"])
def test_empty_file(tmp_path, name):
    refused(f"Expected records in ...{name}. Received: an empty file", write(tmp_path / name, ""), draw=False)


def test_header_alone(tmp_path):
    refused("Expected records in ...train.tsv. Received: an empty", write(tmp_path / "train.tsv", "a\tb\n"), draw=False)


def test_too_few_records_to_draw_from(tmp_path):
    file = write(tmp_path / "tiny.tsv", "text\na\n")
    refused("Expected at least 10 records to draw the ... split from, in ...tiny.tsv", file)


def test_folder_without_splits(tmp_path):
    write(tmp_path / "data.tsv", TABLE)
    refused(
        "Expected train, validation and test files (such as train.tsv) in the folder...Received: data.tsv.", tmp_path
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    refused("in the folder ...empty. Received: nothing.", empty)


def test_two_files_for_a_split(tmp_path):
    write(tmp_path / "test_a.tsv", TABLE)
    write(tmp_path / "test_b.tsv", TABLE)
    refused("Expected one file for the test split in ... Received: test_a.tsv, test_b.tsv. Name one of them.", tmp_path)


def test_unknown_split(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "dev.tsv", TABLE)
    refused("Unknown split of ...Received: split='trian'. Did you mean 'train'? Known: tra", f"{tmp_path}#trian")
    with pytest.raises(ValueError, match=r"Received: split='test'. Known: train, validation\."):
        next(open_dataset(tmp_path).records("test"))


def test_missing_column_names_the_nearest_and_how_to_map_it(tmp_path):
    file = write(tmp_path / "train.tsv", "sentence\tlables\na\tb\n")
    message = (
        "Expected a column 'label' at ...train.tsv:2. Received: columns=['sentence', 'lables']. The nearest is 'lab"
    )
    refused(message, file, need=("label",))
    refused("Map it by --columns label=lables.", file, need=("label",))
    refused("Map it by --columns source=NAME.", write(tmp_path / "dev.tsv", "q\n1\n"), need=("source",))


def test_misnamed_column(tmp_path):
    file = write(tmp_path / "train.tsv", TABLE)
    message = (
        "Expected a column 'lable' at ...train.tsv:2. Received: columns=['text', 'label']. The nearest is 'label'."
    )
    refused(message, file, columns={"label": "lable"})
    known = ", ".join(FIELDS)
    message = f"Expected a standard field in columns. Received: 'lable'. Did you mean 'label'? Known: {known}."
    refused(message, file, columns={"lable": "label"})


def test_empty_label(tmp_path):
    file = write(tmp_path / "train.tsv", TABLE + "a\t\n")
    refused("Expected a label at ...train.tsv:4. Received: label=''.", file, draw=False)


def test_broken_utf8(tmp_path):
    file = write(tmp_path / "train.tsv", b"text\tlabel\nok\ty\ncaf\xe9\tn\n")
    message = "Expected UTF-8. Received: byte 0xe9 at ...train.tsv:3, byte 4 of the line. ... --errors replace."
    refused(message, file, draw=False)
    assert texts(open_dataset(file, errors="replace", draw=False), "train") == ["ok", "caf\ufffd"]
    refused("Expected errors to be 'strict' or 'replace'. Received: errors='ignore'.", file, errors="ignore")


def test_nul_byte(tmp_path):
    file = write(tmp_path / "train.tsv", b"text\nok\na\0b\n")
    refused("Expected text. Received: a NUL byte at ...train.tsv:3. Is it UTF-16", file, draw=False)


def test_truncated_gzip(tmp_path):
    whole = gzip.compress(numbered(1000).encode())
    file = tmp_path / "train.tsv.gz"
    file.write_bytes(whole[: len(whole) // 2])
    refused("Expected a whole gzip file, and ...train.tsv.gz is truncated or damaged", file)
    file.write_bytes(b"text\tlabel\n")
    refused("Cannot read ...train.tsv.gz: Not a gzipped file", file)


def test_tokens_and_tags_of_different_lengths(tmp_path):
    file = write(tmp_path / "train.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}')
    refused("Expected one tag per token at ...train.jsonl:1. Received: 2 tokens, 1 tags.", file, draw=False)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", {"a": 1}, "Expected a string or a list of tokens at ...:1. Received: text={'a': 1}."),
        ("tokens", 3, "Expected a list of strings at ...:1. Received: tokens=3."),
        ("messages", "hi", "Expected a list at ...:1. Received: messages='hi'."),
        ("answers", ["hi"], 'Expected answers as [{"text": ..., "start": ...}] at ...:1. Received: answers=[\'hi\'].'),
        ("text", [["x" * 500]], "Expected a string ... Received: text=[['xxx... ...xxx']]."),
    ],
)
def test_a_value_of_the_wrong_form(tmp_path, field, value, message):
    refused(message, write(tmp_path / "train.jsonl", json.dumps({field: value})), draw=False)
