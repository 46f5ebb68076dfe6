"""Data in memory: every form gives the same records; splits, fingerprints and locations; mistakes in one line."""

import datetime
import decimal

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from zoo.data.opening import open_dataset
from zoo.readers._values import to_python
from zoo.readers.memory import MemorySpec, is_record, is_table, to_spec
from zoo.runtime.errors import UserError

ROWS = [{"text": f"text {i}", "label": ("no", "yes")[i % 2], "number": i % 3} for i in range(20)]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
FRAME = pd.DataFrame(ROWS)
FORMS = {
    "list of dicts": lambda: ROWS,
    "tuple of dicts": lambda: tuple(ROWS),
    "iterator of dicts": lambda: iter(ROWS),
    "dict of lists": lambda: COLUMNS,
    "dict of arrays and series": lambda: {
        "text": np.array(COLUMNS["text"]),
        "label": FRAME["label"],
        "number": pl.Series(COLUMNS["number"]),
    },
    "dict of other columns": lambda: {
        "text": datasets.Dataset.from_list(ROWS)["text"],
        "label": pa.table(COLUMNS)["label"],
        "number": pa.array(COLUMNS["number"]),
    },
    "pandas": lambda: FRAME,
    "pandas, other index": lambda: FRAME.set_index(np.arange(20) * 7),
    "polars": lambda: pl.DataFrame(ROWS),
    "polars, lazy": lambda: pl.DataFrame(ROWS).lazy(),
    "arrow table": lambda: pa.Table.from_pylist(ROWS),
    "arrow batch": lambda: pa.RecordBatch.from_pylist(ROWS),
    "datasets.Dataset": lambda: datasets.Dataset.from_list(ROWS),
    "datasets.Dataset, other format": lambda: datasets.Dataset.from_list(ROWS).with_format("numpy"),
    "datasets.IterableDataset": lambda: datasets.Dataset.from_list(ROWS).to_iterable_dataset(),
}


def read(data, **options):
    dataset = open_dataset(data, **options)
    return {split: list(dataset.records(split)) for split in dataset.splits}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_records(form):
    data = read(FORMS[form](), split_strategy="")
    assert data == {"train": [{"text": row["text"], "label": row["label"]} for row in ROWS]}
    assert read(FORMS[form](), columns={"label": "number"}) == read(ROWS, columns={"label": "number"})
    assert [len(records) for records in read(FORMS[form]()).values()] == [16, 2, 2]
    assert is_table(FORMS[form]()) or form == "iterator of dicts"


def test_texts_and_pairs_of_text_and_label():
    assert read(["a", "b"], split_strategy="") == {"train": [{"text": "a"}, {"text": "b"}]}
    pairs = zip(["a", "b"], np.array([1, 0]), strict=True)
    assert read(pairs, split_strategy="")["train"] == [{"text": "a", "label": "1"}, {"text": "b", "label": "0"}]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1, 0], ["1", "0"]),
        ([True, False], ["True", "False"]),
        (np.array([3.8, 1.5], "float32"), ["3.8", "1.5"]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        (pd.array([2, 1], dtype="Int64"), ["2", "1"]),
        (
            pd.to_datetime(["2024-02-01", "2024-03-01 10:00"], format="ISO8601"),
            ["2024-02-01T00:00:00", "2024-03-01T10:00:00"],
        ),
    ],
)
def test_labels_become_strings(values, labels):
    frame = pd.DataFrame({"text": ["a", "b"], "label": values})
    forms = [frame, pl.from_pandas(frame), pa.Table.from_pandas(frame), {"text": ["a", "b"], "label": values}]
    for data in forms:
        records = read(data, split_strategy="")["train"]
        assert [record["label"] for record in records] == labels


def test_lists_in_cells():
    answers = {"text": ["text"], "answer_start": [2]}
    row = {"tokens": ["a", "b"], "tags": ["X", "O"], "context": "a text", "question": "q", "answers": answers}
    record = row | {"answers": [{"text": "text", "start": 2}]}
    arrays = {"tokens": np.array(["a", "b"]), "answers": {"text": np.array(["text"]), "answer_start": np.array([2])}}
    for data in (pd.DataFrame([row]), pl.DataFrame([row]), pa.Table.from_pylist([row]), [row], [row | arrays]):
        assert read(data, split_strategy="") == {"train": [record]}
    read_back = pa.Table.from_pylist([row]).to_pandas()  # its lists are arrays
    assert read(read_back, split_strategy="") == {"train": [record]}


@pytest.mark.parametrize(
    ("value", "python"),
    [
        (np.int64(3), 3),
        (float("nan"), None),
        (np.float32("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.array([[1, 2]]), [[1, 2]]),
        (pa.scalar("a"), "a"),
        (pl.Series(["a", None]), ["a", None]),
        (b"caf\xc3\xa9", "café"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.time(10, 30), "10:30:00"),
        ({"a": (1, np.str_("b"))}, {"a": [1, "b"]}),
    ],
)
def test_python_values(value, python):
    result = to_python(value)
    assert result == python
    assert type(result) in (type(python), np.str_)


# Splits


def test_a_dict_of_splits():
    data = {"train": FRAME, "dev": ROWS[:3], "test": COLUMNS}
    dataset = open_dataset(data)
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.derived_splits == ()
    assert [len(list(dataset.records(split))) for split in dataset.splits] == [20, 3, 20]
    locations = [next(iter(dataset.located_records(split)))[0] for split in dataset.splits]
    assert locations == ["row 0 of data['train'] (from 0)", "data['dev'][0]", "row 0 of data['test'] (from 0)"]


def test_missing_splits_are_derived():
    assert {split: len(records) for split, records in read({"train": FRAME, "test": ROWS}).items()} == {
        "train": 18,
        "validation": 2,
        "test": 20,
    }


def test_a_dataset_dict_may_have_further_splits():
    dataset = datasets.Dataset.from_list(ROWS)
    data = datasets.DatasetDict(train=dataset, unsupervised=dataset, test=dataset.select(range(4)))
    assert [len(records) for records in read(data).values()] == [18, 2, 4]


def test_texts_by_split():
    assert read({"train": ["a"], "validation": ["b"]}) == {"train": [{"text": "a"}], "validation": [{"text": "b"}]}


# Datasets of Hugging Face


def test_class_numbers_become_class_names():
    features = datasets.Features(
        {
            "sentence": datasets.Value("string"),
            "intent": datasets.ClassLabel(names=["no", "yes"]),
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B"])),
            "chunk_tags": datasets.List(datasets.ClassLabel(names=["C"])),
        }
    )
    columns = {
        "sentence": ["a", "b"],
        "intent": [1, 0],
        "tokens": [["x", "y"], []],
        "ner_tags": [[0, 1], []],
        "chunk_tags": [[0, 0], []],
    }
    data = datasets.Dataset.from_dict(columns, features=features)
    records = [
        {"text": "a", "label": "yes", "tokens": ["x", "y"], "tags": ["O", "B"]},
        {"text": "b", "label": "no", "tokens": [], "tags": []},
    ]
    assert read(data, split_strategy="") == {"train": records}
    assert read(data.to_iterable_dataset(), split_strategy="") == {"train": records}
    assert read(data.select([1, 0]), split_strategy="") == {"train": records[::-1]}


def test_a_class_number_below_zero_is_no_label():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a"])})
    data = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [0, -1]}, features=features)
    with pytest.raises(UserError, match=r"^Expected a value of label at data\[1\]. Received: label=None \(missing\)"):
        read(data, required=("text", "label"), split_strategy="")
    assert read(data, required=("text",), optional=(), split_strategy="") == {"train": [{"text": "x"}, {"text": "y"}]}


def test_source_and_target_of_a_translation():
    features = datasets.Features({"translation": datasets.Translation(languages=["de", "en"])})
    data = datasets.Dataset.from_dict({"translation": [{"de": "ein Satz", "en": "a sentence"}]}, features=features)
    assert read(data, split_strategy="") == {"train": [{"source": "ein Satz", "target": "a sentence"}]}
    swapped = read(data, split_strategy="", columns={"source": "en", "target": "de"})
    assert swapped == {"train": [{"source": "a sentence", "target": "ein Satz"}]}


# Fingerprints


@pytest.mark.parametrize("form", FORMS)
def test_the_fingerprint_is_of_the_content(form):
    spec = to_spec(FORMS[form](), fingerprint=True)
    assert isinstance(spec, MemorySpec)
    assert spec == to_spec(ROWS, fingerprint=True)
    assert spec.startswith("memory:")
    for other in (ROWS[1:], ROWS[::-1], [row | {"label": "x"} for row in ROWS], {"train": ROWS}):
        assert to_spec(other, fingerprint=True) != spec
    assert open_dataset(spec).fingerprint("train") == open_dataset(ROWS).fingerprint("train")


def test_specs_that_name_data_stay():
    assert to_spec("a.tsv#test") == "a.tsv#test"
    assert to_spec(None) == ""
    with pytest.raises(UserError, match=r"^Data in memory.*is not saved: give data=.*Received: 'memory:1234'"):
        open_dataset("memory:1234")


def test_texts_are_no_table_and_a_dict_of_strings_is_a_record():
    for data in (
        "a",
        ["a"],
        [("a", "b")],
        [],
        FRAME["text"],
        np.array(["a"]),
        datasets.Dataset.from_list(ROWS)["text"],
    ):
        assert not is_table(data)
    assert is_record({"text": "a"})
    assert not any(map(is_record, ({}, COLUMNS, "a", {"train": FRAME})))


# Mistakes

MISSING = [{"text": "a", "label": "x"}, {"text": None, "label": "y"}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame(MISSING), r"value of text at row 1 of data \(from 0\). Received: text=None \(missing\)\.$"),
        (pl.DataFrame(MISSING), r"value of text at row 1 of data \(from 0\)"),
        (pa.Table.from_pylist(MISSING), r"value of text at row 1 of data \(from 0\)"),
        (MISSING, r"value of text at data\[1\]"),
        ({"train": ROWS, "test": [{"text": "a", "label": np.nan}]}, r"value of label at data\['test'\]\[0\]"),
        ([{"text": "a", "label": ""}], r"Expected a label at data\[0\]"),
        (
            [{"body": "a", "label": "x"}],
            r"Expected a column 'text' at data\[0\]. Received: columns=\['body', 'label'\]",
        ),
        ([{"text": "a", "label": "x"}, 7], r"Expected a dict of columns, .* at data\[1\]. Received: 7\.$"),
        ([{"text": {"a": 1}, "label": "x"}], r"Expected a string .* at data\[0\]. Received: text={'a': 1}"),
        (
            {"text": ["a", "b"], "label": ["x"]},
            r"Expected columns of one length in data. Received: {'text': 2, 'label': 1}",
        ),
        ({"text": "a", "label": ["x"]}, r"Expected a data frame.*Received: 'text': 'a', which is no list"),
        ({"train": ROWS, "tset": ROWS}, r"Expected splits called train.*Received: 'tset'. Did you mean 'test'\?"),
        (
            {"train": ROWS, "val": ROWS, "dev": ROWS},
            r"one train, validation and test split each. Received: train, val, dev",
        ),
        (pd.DataFrame([[1, 2]], columns=["text", "text"]), r"different names of columns. Received: .*'text' 2 times"),
        ([], r"Expected rows in data. Received: none\.$"),
        (FRAME.head(0), r"Expected rows in data. Received: none\.$"),
        (5, r"Expected a data frame, a list of dicts.*as data. Received: int 5\.$"),
        (np.zeros(2), r"Expected a dict of columns.*at data\[0\]. Received: 0\.0\.$"),
    ],
)
def test_mistakes(data, message):
    with pytest.raises(UserError, match=message) as caught:
        read(data, required=("text", "label"), split_strategy="")
    assert "\n" not in str(caught.value)
