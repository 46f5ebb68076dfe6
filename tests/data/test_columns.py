"""Column names: joined columns, columns in nested objects and lists, and names that hold the signs themselves."""

import json

import pytest

from zoo.data.columns import column_names, column_values, has_column
from zoo.data.opening import first_row, open_dataset
from zoo.runtime.errors import UserError

ROW = {
    "subject": "Hi",
    "ticket": {"body": "It broke.", "from.name": "Ann", "tags": ["a", "b"]},
    "messages": [{"content": "one"}, {"content": "two"}],
    "a+b": "plus",
    "ticket.id": 7,
}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("subject", ["Hi"]),
        ("ticket.body", ["It broke."]),
        ("ticket.from.name", ["Ann"]),
        ("ticket.id", [7]),
        ("messages.0.content", ["one"]),
        ("messages.-1.content", ["two"]),
        ("ticket.tags.1", ["b"]),
        ("subject+ticket.body", ["Hi", "It broke."]),
        ("subject + ticket.body", ["Hi", "It broke."]),
        ("a+b", ["plus"]),
        ("ticket.tags", [["a", "b"]]),
    ],
)
def test_values_of_a_column(column, values):
    assert has_column(ROW, column)
    assert column_values(ROW, column) == values


@pytest.mark.parametrize(
    "column", ["body", "ticket.", "ticket.body.x", "messages.2.content", "messages.x", "subject+", "subject+body", "."]
)
def test_missing_columns(column):
    assert not has_column(ROW, column)
    with pytest.raises(KeyError):
        column_values(ROW, column)


def test_nested_names_are_listed():
    assert "ticket.body" in column_names(ROW)


def test_records_of_joined_and_nested_columns(tmp_path):
    rows = [{"a": "x", "b": "", "c": {"d": ["p", "q"]}}, {"a": "x", "b": "2", "c": {"d": "r; s"}}]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"text": "a+b", "labels": "c.d+a", "tokens": "a+b"}
    records = list(open_dataset(path, columns=columns, split_strategy="").records("train"))
    assert records == [
        {"text": "x", "labels": ["p", "q", "x"], "tokens": ["x"]},
        {"text": "x 2", "labels": ["r", "s", "x"], "tokens": ["x", "2"]},
    ]
    assert first_row(path) == rows[0]


def test_a_missing_nested_column_names_the_nearest(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"ticket": {"body": "x"}}) + "\n")
    with pytest.raises(UserError, match=r"'ticket.bdy' at .*train.jsonl:1\..*The nearest is 'ticket.body'"):
        open_dataset(path, columns={"text": "ticket.bdy"})


def test_columns_of_other_forms_are_not_joined(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"a": [], "b": []}) + "\n")
    with pytest.raises(UserError, match=r"one column for answers.*train.jsonl:1"):
        open_dataset(path, columns={"answers": "a+b"})
