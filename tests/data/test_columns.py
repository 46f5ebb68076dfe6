"""Column names: joined columns, columns in nested objects and lists, and names that hold the signs themselves."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.columns import column_names, column_values, columns_option, has_column, parse_columns
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


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("text=sentence,label=y", {"text": "sentence", "label": "y"}),
        (" text = my text , label = y ", {"text": "my text", "label": "y"}),
        ('text="one, two",label=y', {"text": "one, two", "label": "y"}),
        ('text="say ""hi""",label="a=b"', {"text": 'say "hi"', "label": "a=b"}),
        ("text=a=b", {"text": "a=b"}),
        ('text=" blank "', {"text": " blank "}),
        ("tokens=1,tags=-1", {"tokens": "1", "tags": "-1"}),
        ("text=a,", {"text": "a"}),
        ("", {}),
    ],
)
def test_columns_of_the_command_line(text, columns):
    assert parse_columns(text) == columns


@pytest.mark.parametrize("text", ["text", "=a", "text=a,b", 'text="a', "a b=c"])
def test_columns_of_another_form_are_refused(text):
    with pytest.raises(UserError, match="Expected --columns FIELD=NAME,FIELD=NAME.*Received: "):
        parse_columns(text)


@given(st.dictionaries(st.sampled_from(["text", "label", "tags"]), st.text(max_size=12), min_size=1))
def test_the_option_of_a_message_names_the_same_columns(columns):
    flag, value = shlex.split(columns_option(columns))
    assert (flag, parse_columns(value)) == ("--columns", columns)


def test_the_hint_of_a_missing_column_can_be_followed(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text('"text, all","a=label "\nsome text,x\n')
    columns = {}
    for _ in range(2):
        with pytest.raises(UserError, match="--columns ") as caught:
            open_dataset(path, columns, required=("text", "label"), split_strategy="")
        hint = str(caught.value).rpartition("Map it by ")[2].removesuffix(".")
        columns |= parse_columns(shlex.split(hint)[1])
    dataset = open_dataset(path, columns, required=("text", "label"), split_strategy="")
    assert list(dataset.records("train")) == [{"text": "some text", "label": "x"}]
