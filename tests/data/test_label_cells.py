"""Labels in cells: several in one, missing ones, numbers in two forms, blanks around them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.label_cells import listed_labels, separator_of, split_labels
from zoo.data.labels import LabelCollector
from zoo.data.opening import open_dataset


def labels(path, cells, field="label", **options):
    path.write_text("".join(json.dumps({"text": f"text {i}", field: cell}) + "\n" for i, cell in enumerate(cells)))
    dataset = open_dataset(path, split_strategy="", required=("text", field), optional=(), **options)
    return [record[field] for record in dataset.records("train")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2,14", "14", "3, 2"], [["2", "14"], ["14"], ["3", "2"]]),
        (["['joy', 'fear']", "['joy']", "[]"], [["joy", "fear"], ["joy"], []]),
        (["['joy' 'fear']", "[2 14]"], [["joy", "fear"], ["2", "14"]]),
        (['["a","b"]', '["a"]'], [["a", "b"], ["a"]]),
        (["('a', 'b')", "('a',)"], [["a", "b"], ["a"]]),
        (["a|b", "a", "b |c"], [["a", "b"], ["a"], ["b", "c"]]),
        (["a; b", "a", "b"], [["a", "b"], ["a"], ["b"]]),
        (["Books, Music", "Food", "Food, Drink"], [["Books, Music"], ["Food"], ["Food, Drink"]]),
        (["", "a"], [[], ["a"]]),
        ([[1.0, 2], [1]], [["1", "2"], ["1"]]),
        ([[" a", "a ", "b"]], [["a", "b"]]),
        (["don't; it's"], [["don't", "it's"]]),
        (["[draft]", "[x"], [["[draft]"], ["[x"]]),
    ],
)
def test_several_labels(tmp_path, cells, expected):
    assert labels(tmp_path / "train.jsonl", cells, "labels") == expected


def test_the_separator_is_named(tmp_path, capsys):
    path = tmp_path / "train.jsonl"
    labels(path, ["2,14", "14", "3,2"], "labels")
    assert f"Read the labels of {path} as several in a cell, separated by ','." in capsys.readouterr().err
    assert labels(path, ["a|b", "a", "b"]) == ["a|b", "a", "b"]
    message = (
        f"Labels of {path} look like several in a cell, as in 'a|b', and are taken for one: --columns labels=label"
    )
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["['joy', 'fear']", '["a","b"]', ["a", "b"], "[1, 2]"])
def test_several_labels_where_one_is_expected(tmp_path, cell):
    with pytest.raises(ValueError, match=r"Expected one label at .*train.jsonl:2.*multi_label=True \(--columns labels"):
        labels(tmp_path / "train.jsonl", ["joy", cell])


def test_a_list_of_one_label_is_that_label(tmp_path):
    assert labels(tmp_path / "train.jsonl", ["['joy']", ["fear"], "[3]"]) == ["joy", "fear", "3"]


MISSING = [None, float("nan"), "NaN", "nan", "NA", "N/A", "n/a", "<NA>", "#N/A", "null", "NULL", " nan "]


@pytest.mark.parametrize("cell", MISSING)
def test_missing_labels(tmp_path, cell):
    with pytest.raises(ValueError, match=r"Expected a (label|value of label) at .*train.jsonl:2"):
        labels(tmp_path / "train.jsonl", ["good", cell, "bad"])
    assert labels(tmp_path / "train.jsonl", ["good", cell, "bad"], skip_invalid=True) == ["good", "bad"]
    with pytest.raises(ValueError, match=r"Expected a (label|value of labels) at .*train.jsonl:2"):
        labels(tmp_path / "train.jsonl", [["good"], [cell, "good"] if cell is not None else None], "labels")


@pytest.mark.parametrize("cell", [float("inf"), {"a": 1}, [[1]]])
def test_what_is_no_label(tmp_path, cell):
    with pytest.raises(ValueError, match=r"Expected (one|a) label at .*train.jsonl:2"):
        labels(tmp_path / "train.jsonl", ["good", cell])


def test_labels_of_data_to_predict_are_not_read(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps({"text": "a", "label": "N/A", "labels": [None], "tags": {}, "answers": 3}))
    assert list(open_dataset(path, required=("text",), split_strategy="").records("train")) == [{"text": "a"}]


@pytest.mark.parametrize("row", [{"text": None}, {"a": {"b": None}}, {"c": None, "d": None}])
def test_a_text_that_is_null(tmp_path, row):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(row))
    columns = {"text": "a.b"} if "a" in row else {"text": "c+d"} if "c" in row else {}
    with pytest.raises(ValueError, match=r"Expected a value of text at .*train.jsonl:1.* \(missing\)"):
        list(open_dataset(path, columns, required=("text",), split_strategy="").records("train"))


def test_tokens_that_are_null(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"tokens": ["a", None], "tags": ["O", "O"]}))
    with pytest.raises(ValueError, match="Expected a list of strings at"):
        list(open_dataset(path, required=("tokens", "tags"), split_strategy="").records("train"))


def test_words_of_a_cell_are_separated_by_spaces_and_tabs(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("tokens,tags\n10\u00a0000 kr\u3000x,B-M \tI-M\n", encoding="utf-8")
    (record,) = open_dataset(path, required=("tokens", "tags"), split_strategy="").records("train")
    assert record == {"tokens": ["10\u00a0000", "kr\u3000x"], "tags": ["B-M", "I-M"]}


def test_whole_numbers_are_one_class(tmp_path):
    assert labels(tmp_path / "train.jsonl", [1, 1.0, "1", 2.5, True]) == ["1", "1", "1", "2.5", "True"]


def test_texts_of_one_number_are_named(tmp_path, capsys):
    path = tmp_path / "train.csv"
    path.write_text("text,label\na,1\nb,1.0\nc,01\nd,2\n")
    dataset, collector = open_dataset(path, split_strategy="", required=("text", "label")), LabelCollector()
    for split, location, record in dataset.visit():
        collector.add(split, location, record)
    collector.check(collector.labels("here"), dataset.describe)
    message = f"'1', first at {path}:2, '1.0', first at {path}:3, '01', first at {path}:4."
    assert f"Values of label that are one number and different classes: {message}" in capsys.readouterr().err


def test_blanks_around_labels_are_cut_and_counted(tmp_path, capsys):
    path = tmp_path / "train.csv"
    path.write_text("text,label\na,good\nb,good \nc,\u00a0bad\n", encoding="utf-8")
    dataset = open_dataset(path, split_strategy="", required=("text", "label"))
    assert [record["label"] for record in dataset.records("train")] == ["good", "good", "bad"]
    assert f"Cut blanks around 2 labels of {path}, the first at {path}:3." in capsys.readouterr().err


def test_none_may_be_a_class(tmp_path, capsys):
    assert labels(tmp_path / "train.jsonl", ["None", "x"]) == ["None", "x"]
    assert "Taken for a class in" in capsys.readouterr().err


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=2, max_size=5))
def test_lists_as_text_round_trip(items):
    assert listed_labels(repr(items)) == listed_labels(json.dumps(items)) == items
    assert listed_labels("[" + " ".join(f"'{item}'" for item in items) + "]") == items
    assert split_labels("; ".join(items), ";") == items


@given(st.text(max_size=40))
def test_any_text_is_a_cell_of_labels(text):
    assert isinstance(split_labels(text, separator_of([text]) or ";"), list)


@pytest.mark.parametrize(
    "text", ["[" * 5000, "[" + "9" * 5000 + "]", "[1, [2]]", "{'a': 1}", "[__import__('os')]", "[x]"]
)
def test_texts_that_are_no_lists(text):
    assert listed_labels(text) is None
