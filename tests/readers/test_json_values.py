"""JSON that no reader can use is one line: deep nesting, huge integers, lone surrogates, NaN, bombs in gzip."""

import gzip
import json
import tracemalloc

import pytest

from zoo.data.opening import open_dataset
from zoo.readers._json_values import MOST_NESTED, JsonError, parse_json
from zoo.readers._lines import BOMB

DEEP = "[" * 3000 + "]" * 3000


def records(path, required=("text", "label"), **options):
    dataset = open_dataset(path, split_strategy="", required=required, optional=(), **options)
    return list(dataset.records("train"))


def write(path, content):
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "value", [DEEP, '{"a":' * 3000, "[" * 3000, f'{{"text": "a", "label": {"[" * 200}{"]" * 200}}}']
)
def test_deep_nesting(tmp_path, value):
    with pytest.raises(ValueError, match=r"train.jsonl:2. Received: .*more than 100 brackets within one another"):
        records(write(tmp_path / "train.jsonl", f'{{"text": "a", "label": "b"}}\n{value}\n'))
    with pytest.raises(ValueError, match=r"Expected JSON at .*train.json:2. Received: more than 100 brackets"):
        records(write(tmp_path / "train.json", f"[\n{value}]"))


def test_brackets_in_texts_are_not_nested():
    text = "[" * 500 + '\\"' + "{" * 500
    assert parse_json(f'{{"text": "{text}"}}', "a") == {"text": text.replace("\\", "")}
    nested = "[" * MOST_NESTED + "]" * MOST_NESTED
    assert json.dumps(parse_json(nested, "a")) == nested
    with pytest.raises(JsonError):
        parse_json(f"[{nested}]", "a")


def test_integers_of_thousands_of_digits(tmp_path):
    row = f'{{"text": "a", "label": {"9" * 5000}}}'
    with pytest.raises(ValueError, match=r"train.jsonl:1. Received: .*an integer of more digits than Python reads"):
        records(write(tmp_path / "train.jsonl", row))
    with pytest.raises(ValueError, match=r"Expected JSON at .*train.json:1.* more digits than Python reads"):
        records(write(tmp_path / "train.json", f"[{row}]"))


@pytest.mark.parametrize("start", ["Infinity", "-Infinity", "1e999", "NaN", '"z"', "null", "[]", "9" * 400])
def test_answers_that_begin_nowhere(tmp_path, start):
    row = f'{{"context": "a b", "question": "q", "answers": [{{"text": "a", "start": {start}}}]}}'
    required = ("context", "question", "answers")
    with pytest.raises(ValueError, match=r"train.jsonl:1. Received: answers=|Received: none with an answer"):
        records(write(tmp_path / "train.jsonl", row), required)


def test_lone_surrogates_are_replaced_and_named(tmp_path, capsys):
    rows = ['{"text": "fine \\ud83d\\ude00", "label": "x"}', '{"text": "a\\ud800b", "label": "\\udfff", "\\ud800": 1}']
    path = write(tmp_path / "train.jsonl", "\n".join(rows))
    assert records(path) == [{"text": "fine 😀", "label": "x"}, {"text": "a\ufffdb", "label": "\ufffd"}]
    assert f"Replaced by U+FFFD: lone surrogates, which are no characters, at {path}:2" in capsys.readouterr().err
    path = write(tmp_path / "train.json", f"[\n{','.join(rows)}]")
    assert records(path)[1] == {"text": "a\ufffdb", "label": "\ufffd"}
    path.with_suffix(".jsonl").unlink()
    rows = [{"text": "a\udc80", "label": "\ud800"}]
    dataset = open_dataset(rows, split_strategy="", required=("text", "label"))
    assert next(dataset.records("train")) == {"text": "a\ufffd", "label": "\ufffd"}


@pytest.mark.parametrize("name", ["train.jsonl.gz", "train.json.gz", "train.csv.gz", "train.txt.gz", "train.conll.gz"])
def test_a_line_of_a_gzipped_file_has_a_limit(tmp_path, name):
    with gzip.GzipFile(tmp_path / name, "wb", 1) as file:
        file.write(b'[{"text": "')
        for _ in range(5):
            file.write(b"a" * (BOMB // 4))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"Expected at most 64 MB at once from .*\.gz. Received: more"):
        records(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * BOMB


def test_a_gzipped_file_of_long_lines_is_read(tmp_path):
    text = "x" * 2**20
    with gzip.open(tmp_path / "train.jsonl.gz", "wt") as file:
        file.write(json.dumps({"text": text, "label": "y"}) + "\n")
    assert records(tmp_path / "train.jsonl.gz") == [{"text": text, "label": "y"}]


def test_lists_of_memory_that_are_nested_too_deep():
    value = []
    for _ in range(5000):
        value = [value]
    for data in ([{"text": value}], {"text": [value]}):
        with pytest.raises(ValueError, match="Expected lists and dicts of less depth at data"):
            open_dataset(data, split_strategy="")


def test_values_of_memory_that_have_no_text():
    with pytest.raises(ValueError, match="Received: text="):
        list(open_dataset([{"text": 10**5000, "label": "x"}], split_strategy="", required=("text",)).records("train"))
