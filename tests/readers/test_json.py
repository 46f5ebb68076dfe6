"""jsonl and json: round trip, the forms of json files, and broken files."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.opening import open_dataset
from zoo.readers.jsonl import JsonLines

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SQUAD = {
    "data": [
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": "Ann is in Rome.",
                    "qas": [
                        {"id": "1", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 10}]},
                        {"id": "2", "question": "When?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ]
}


def records(path, **settings):
    dataset = open_dataset(path, split_strategy="", **settings)
    return {split: list(dataset.records(split)) for split in dataset.splits}


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@same_folder
@given(st.lists(st.fixed_dictionaries({"text": text, "tokens": st.lists(text, max_size=3)}), max_size=5), st.booleans())
def test_jsonl_round_trip(tmp_path, rows, ascii_only):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows), encoding="utf-8", newline="\n"
    )
    assert [row for _, row in JsonLines().rows(path, "strict")] == rows


def test_a_list_of_objects(tmp_path):
    rows = [{"instruction": "do", "input": "", "output": "done"}]
    assert records(write(tmp_path / "all.json", rows)) == {"train": rows}
    path = tmp_path / "test.json.gz"
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    assert records(path) == {"test": rows}


def test_splits_of_texts_and_labels(tmp_path):
    splits = {"oos_val": [["z", "oos"]], "val": [["b", "y"]], "train": [["a", "x"], {"text": "c", "label": "y"}]}
    path = write(tmp_path / "data_full.json", splits)
    assert records(path) == {
        "train": [{"text": "a", "label": "x"}, {"text": "c", "label": "y"}],
        "validation": [{"text": "b", "label": "y"}],
    }
    assert records(f"{path}#oos_val") == {"validation": [{"text": "z", "label": "oos"}]}
    dataset = open_dataset(path)
    assert dataset.fingerprint("train") != dataset.fingerprint("validation")
    with pytest.raises(
        ValueError, match=r"Received: split='oos_vl'. Did you mean 'oos_val'\? Known: train, validation, oos"
    ):
        open_dataset(f"{path}#oos_vl")


def test_squad(tmp_path):
    actual = records(write(tmp_path / "dev-v2.0.json", SQUAD))["validation"]
    assert actual[0]["answers"] == [{"text": "Rome", "start": 10}]
    assert [record["question"] for record in actual] == ["Where?", "When?"]
    assert actual[1] == {"context": "Ann is in Rome.", "question": "When?", "answers": [], "id": "2"}


def squad(context, *questions):
    """A SQuAD file of one paragraph; a question is (id, [(text, start)])."""
    qas = [
        {"id": name, "question": "?", "answers": [{"text": text, "answer_start": start} for text, start in answers]}
        for name, answers in questions
    ]
    return {"data": [{"paragraphs": [{"context": context, "qas": qas}]}]}


def test_answers_that_are_not_at_their_offset_are_reported_and_dropped(tmp_path, capsys):
    questions = (
        ("a", [("Ann", 0)]),
        ("b", [("Rome", 9), ("Rome", 10)]),
        ("c", [("Rome", 11)]),
        ("d", [("", 3)]),
        ("e", []),
    )
    path = write(tmp_path / "train.json.gz", "")
    path.write_bytes(gzip.compress(json.dumps(squad("Ann is in Rome.", *questions)).encode()))
    dataset = open_dataset(path, split_strategy="")
    assert capsys.readouterr().err == ""  # no pass is complete
    actual = {record["id"]: record["answers"] for record in dataset.records("train")}
    rome = [{"text": "Rome", "start": 10}]
    assert actual == {"a": [{"text": "Ann", "start": 0}], "b": rome, "e": []}
    assert capsys.readouterr().err == (
        f"Dropped from {path}: 3 answers whose text is not at their offset in the context, and 2 questions without "
        f"another answer: {path} question b, 'Rome' at 9, where ' Rom' stands; "
        f"{path} question c, 'Rome' at 11, where 'ome.' stands; {path} question d, an empty answer at 3.\n"
    )
    list(dataset.records("train"))
    assert capsys.readouterr().err == ""  # reported once


def test_many_dropped_answers_are_counted(tmp_path, capsys):
    wrong = [(f"q{i}", [("[b]Rome", -1)]) for i in range(7)]
    path = write(tmp_path / "dev.json", squad("Rome", ("right", [("Rome", 0)]), *wrong))
    assert [record["id"] for record in records(path)["validation"]] == ["right"]
    report = capsys.readouterr().err
    assert "7 answers" in report
    assert "7 questions" in report
    assert "question q4, '[b]Rome' at -1, where nothing stands; and 2 more." in report
    assert "q5" not in report


def test_answers_in_other_formats_are_checked_too(tmp_path, capsys):
    rows = [{"context": "in Rome", "question": "?", "id": "x7", "answers": [{"text": "Rome", "start": 2}]}]
    rows.append({"context": "in Rome", "question": "?", "answers": {"text": ["Rome"], "answer_start": [3]}})
    path = write(tmp_path / "train.jsonl", "\n".join(map(json.dumps, rows)))
    assert [record["answers"][0]["start"] for record in records(path)["train"]] == [3]
    assert f"{path}:1 question x7, 'Rome' at 2, where ' Rom' stands." in capsys.readouterr().err
    assert len(records(path, required=("context", "question"))["train"]) == 2  # prediction needs no answers
    with pytest.raises(
        ValueError, match=r"Expected records in .*train.jsonl. Received: none with an answer in its con"
    ):
        open_dataset(write(tmp_path / "train.jsonl", json.dumps(rows[0])), split_strategy="")


def test_questions_of_a_file_without_answers(tmp_path):
    squad_file = {"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q"}]}]}]}
    path = write(tmp_path / "test.json", squad_file)
    assert records(path) == {"test": [{"context": "c", "question": "q", "id": "1"}]}
    with pytest.raises(ValueError, match=r"Expected a column 'answers' at .*test.json question 1"):
        open_dataset(path, required=("answers",), split_strategy="")


def test_messages(tmp_path):
    talk = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    talk.append({"role": "assistant", "content": "Hello"})
    weighted = [{**message, "weight": 1} for message in talk]
    assert records(write(tmp_path / "train.jsonl", json.dumps({"messages": weighted})))["train"] == [{"messages": talk}]
    assert records(write(tmp_path / "train.json", [{"messages": talk}]))["train"] == [{"messages": talk}]


def test_columns_of_well_known_files(tmp_path):
    path = write(tmp_path / "train.csv", 'id,dialogue,summary\n1,"A: hi\nB: ho",They greet.\n')
    assert records(path, required=("source", "target"))["train"] == [
        {"source": "A: hi\nB: ho", "target": "They greet.", "id": "1"}
    ]
    path = write(tmp_path / "train.jsonl", json.dumps({"question": "1+1?", "answer": "2"}))
    (record,) = records(path, required=("instruction", "output"))["train"]
    assert record == {"instruction": "1+1?", "output": "2"}
    (record,) = records(path, required=("source", "target"))["train"]
    assert (record["source"], record["target"]) == ("1+1?", "2")
    path = write(tmp_path / "train.jsonl", json.dumps({"question": "q", "answer": "a", "source": "s", "other": "o"}))
    (record,) = records(path, columns={"target": "other"})["train"]
    assert (record["source"], record["target"], record["output"]) == ("s", "o", "a")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": \n', r"Expected one JSON object at .*a.jsonl:2. Received: '{\"a\":' \("),
        ("a.jsonl", "[1]\n", r"Expected one JSON object at .*a.jsonl:1. Received: \[1\]\."),
        ("a.json", '[\n{"a": 1},\n]', r"Expected JSON at .*a.json:\d. Received: .*column \d"),
        ("a.json", "3", r"Expected a list of objects, .* or SQuAD in .*a.json. Received: int 3\."),
        ("a.json", {"x": []}, r"Expected a list of objects, .* in .*a.json. Received: dict {'x': \[\]}\."),
        ("a.json", [3], r"Expected an object or \[text, label\] at .*a.json record 1. Received: 3\."),
        ("a.json", {"train": 3}, r"Expected a list in the split 'train' of .*a.json. Received: 3\."),
        (
            "a.json",
            {"data": [{"x": 1}]},
            r"Expected SQuAD's data/paragraphs/qas in .*a.json. Received: trouble with 'paragraphs' at or after data\.",
        ),
        (
            "a.json",
            {"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "q1", "question": "?"}, {"id": "q2"}]}]}]},
            r"Expected SQuAD's .* in .*a.json. Received: trouble with 'question' at or after question q2\.",
        ),
        ("a.json", {"train": []}, r"Expected records in .*a.json#train. Received: an empty"),
    ],
)
def test_broken_files(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        records(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)
