"""Spans of characters as tokens and tags: against a plain definition, and what does not fit is counted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import span_schemes
from zoo.data.opening import open_dataset
from zoo.data.span_annotations import SpanConverter, are_spans, standard_spans
from zoo.data.word_alignment import split_words
from zoo.runtime.errors import UserError

TEXT = "Ann Lee lives in New York."


def convert(text, spans, capsys=None):
    converter = SpanConverter()
    record = converter.convert({"text": text, "spans": standard_spans(spans, "here")}, "here")
    converter.report("train.jsonl")
    return record["tokens"], record["tags"], capsys.readouterr().err if capsys else ""


def test_spans_become_tags():
    tokens, tags, _ = convert(TEXT, [[17, 25, "LOC"], [0, 7, "PER"]])
    assert tokens == ["Ann", "Lee", "lives", "in", "New", "York", "."]
    assert tags == ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"]


@given(st.lists(st.tuples(st.text("ab ,é日", min_size=1, max_size=6), st.sampled_from(["", "X", "Y"])), max_size=8))
def test_spans_around_words_are_read_back(pieces):
    """Spans that begin and end at words give those words; the same as a plain search for the words in each span."""
    text, spans = "", []
    for piece, label in pieces:
        if label and split_words(piece):
            spans.append([len(text), len(text) + len(piece), label])
        text += piece + " "
    tokens, tags, _ = convert(text, spans)
    words = split_words(text)
    assert tokens == [word for word, _, _ in words]
    expected = [
        (label, *(f(i for i, (_, a, b) in enumerate(words) if a >= start and b <= end) for f in (min, max)))
        for start, end, label in spans
    ]
    assert span_schemes.decode(tags) == [(label, first, last + 1) for label, first, last in expected]


@pytest.mark.parametrize(
    ("spans", "tags", "message"),
    [
        ([[1, 7, "PER"]], "B-PER I-PER O O O O O", "1 spans that end within a word, which take the complete word"),
        ([[0, 6, "PER"]], "B-PER I-PER O O O O O", "In train.jsonl: 1 spans that end within a word"),
        ([[0, 3, "A"], [0, 7, "B"]], "B-B I-B O O O O O", "1 spans that overlap a longer one, left out"),
        ([[0, 2, "A"], [2, 3, "B"]], "B-A O O O O O O", "1 spans that overlap a longer one, left out"),
        ([[3, 4, "A"]], "O O O O O O O", "1 spans without a word, left out (the first at here)"),
        ([[0, 8, "PER"]], "B-PER I-PER O O O O O", ""),  # a blank at its end
        (
            [{"start": 0, "end": 3, "label": "A", "text": "Bob"}],
            "O O O O O O O",
            "1 spans whose text is not at",
        ),
    ],
)
def test_what_does_not_fit_is_counted(spans, tags, message, capsys):
    _, converted, err = convert(TEXT, spans, capsys)
    assert converted == tags.split()
    assert message in err
    assert bool(message) == bool(err)


def test_offsets_of_javascript_count_utf_16(capsys):
    text = "😀😀 Ann"
    span = {"start": 5, "end": 8, "label": "PER", "text": "Ann"}
    assert convert(text, [span], capsys) == (["😀", "😀", "Ann"], ["O", "O", "B-PER"], "")


@pytest.mark.parametrize(
    "value",
    [
        [[0, 3, "A"]],
        [(0, 3, "A")],
        [{"start": 0, "end": 3, "label": "A"}],
        [{"start": 0, "end": 3, "labels": ["A"]}],
        [{"id": 9, "start_offset": 0, "end_offset": 3, "label": "A"}],
    ],
)
def test_forms_of_spans(value):
    assert are_spans(value)
    assert standard_spans(value, "here") == [{"start": 0, "end": 3, "label": "A"}]


@pytest.mark.parametrize("value", [[], ["a"], "a", None, [["a", "b", "c"]], [[True, 2, "A"]], [1, 2, "A"]])
def test_other_values_are_no_spans(value):
    assert not are_spans(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0, 99, "A"]], "Expected spans within the 26 characters at here. Received: start=0, end=99"),
        ([[5, 3, "A"]], "start=5, end=3"),
        ([[0, 3, ""]], "the start, the end and the label of a span at here"),
        ([{"start": "0", "end": 3, "label": "A"}], "the start, the end and the label of a span at here"),
        (["a"], r"Expected spans as \[\[start, end, label\]\].*at here"),
    ],
)
def test_broken_spans_are_refused(value, message):
    with pytest.raises(UserError, match=message):
        convert(TEXT, value)


def test_labels_in_lists_and_spans_in_the_column_of_labels(tmp_path):
    """doccano writes `label` for spans and for classes; tools write one class as a list."""
    rows = [{"text": "a b", "label": ["x"]}, {"text": "a b", "labels": ["y"]}, {"text": "a b", "label": [[0, 1, "z"]]}]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = open_dataset(path, split_strategy="").records("train")
    assert (first["label"], first["labels"]) == ("x", ["x"])
    assert (second["label"], second["labels"]) == ("y", ["y"])
    assert third == {"text": "a b", "tokens": ["a", "b"], "tags": ["B-z", "O"]}


def test_spans_in_a_column_of_another_name(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"doc": {"body": "a b"}, "marks": [[2, 3, "z"]]}) + "\n")
    fields = {"required": ("tokens", "tags"), "optional": ("text", "spans")}
    dataset = open_dataset(path, {"text": "doc.body", "spans": "marks"}, split_strategy="", **fields)
    (record,) = dataset.records("train")
    assert (record["tokens"], record["tags"]) == (["a", "b"], ["O", "B-z"])


def test_prediction_reads_the_text_itself(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps({"text": "a  b", "label": [[0, 1, "z"]]}) + "\n")
    (record,) = open_dataset(path, split_strategy="", required=("text",)).records("train")
    assert "tokens" not in record


@pytest.mark.parametrize("label", [["a", "b"], [[0, 1, "z"]]])
def test_one_label_is_expected(tmp_path, label):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"text": "a b", "label": label}) + "\n")
    with pytest.raises(UserError, match=r"Expected one label at .*train.jsonl:1.*multi_label=True.*tag_tokens"):
        open_dataset(path, split_strategy="", required=("text", "label"), optional=())
