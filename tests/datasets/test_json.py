"""jsonl and json: what is written comes back, the shapes that json knows, and broken files."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.dataset import open_dataset
from zoo.datasets.jsonl import JsonLines

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
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
    dataset = open_dataset(path, draw=False, **settings)
    return {split: list(dataset.records(split)) for split in dataset.splits}


def written(path, value):
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
    assert records(written(tmp_path / "all.json", rows)) == {"train": rows}
    path = tmp_path / "test.json.gz"
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    assert records(path) == {"test": rows}


def test_splits_of_texts_and_labels(tmp_path):
    splits = {"oos_val": [["z", "oos"]], "val": [["b", "y"]], "train": [["a", "x"], {"text": "c", "label": "y"}]}
    path = written(tmp_path / "data_full.json", splits)
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
    found = records(written(tmp_path / "dev-v2.0.json", SQUAD))["validation"]
    assert found[0]["answers"] == [{"text": "Rome", "start": 10}]
    assert [record["question"] for record in found] == ["Where?", "When?"]
    assert found[1] == {"context": "Ann is in Rome.", "question": "When?", "answers": [], "id": "2"}


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
            r"Expected SQuAD's data/paragraphs/qas in .*a.json. Received: trouble with 'par",
        ),
        ("a.json", {"train": []}, r"Expected records in .*a.json#train. Received: an empty"),
    ],
)
def test_broken_files(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        records(written(tmp_path / name, content))
    assert "\n" not in str(caught.value)
