"""Parquet, Arrow and Feather: rows that are written are read back, in batches; damaged files are refused."""

import gzip
import tracemalloc

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from zoo.data.opening import open_dataset
from zoo.readers._features import rows_of_tables
from zoo.readers.arrow import Arrow
from zoo.readers.parquet import Parquet

LABEL = {"names": ["no", "yes"], "_type": "ClassLabel"}
VALUE = {"dtype": "int32", "_type": "Value"}
ROWS = [
    {"text": f"text {i}", "label": i % 2, "tokens": ["a", "b"], "answers": [{"text": "t", "start": i}]}
    for i in range(2500)
]
TABLE = pa.Table.from_pylist(ROWS)


def write_stream(table, path):
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table, max_chunksize=999)


def write_file(table, path):
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table, max_chunksize=999)


def write_feather(table, path):
    pyarrow.feather.write_feather(table, path, compression="zstd")


WRITERS = {
    "a.parquet": pyarrow.parquet.write_table,
    "a.arrow": write_file,
    "stream.arrow": write_stream,
    "a.feather": write_feather,
}


@pytest.mark.parametrize("name", WRITERS)
def test_round_trip(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](TABLE, str(path))
    reader = Parquet() if name.endswith("parquet") else Arrow()
    assert [row for _, row in reader.rows(path, "strict")] == ROWS
    assert reader.count(path, "strict") == 2500
    compressed = tmp_path / f"{name}.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    assert [row for _, row in reader.rows(compressed, "strict")] == ROWS
    dataset = open_dataset(path, split_strategy="end")
    location, record = next(iter(dataset.located_records("test")))
    assert (location, record["text"], record["label"]) == (f"{path} record 2251", "text 2250", "0")


def test_a_folder_of_files(tmp_path):
    for split in ("train", "validation", "test"):
        pyarrow.parquet.write_table(TABLE, tmp_path / f"{split}.parquet")
    assert open_dataset(tmp_path).derived_splits == ()


@pytest.mark.parametrize("name", WRITERS)
def test_class_names_in_the_metadata_of_datasets(tmp_path, name):
    features = datasets.Features(
        {"sentence": datasets.Value("string"), "intent": datasets.ClassLabel(names=["no", "yes"])}
    )
    data = datasets.Dataset.from_dict({"sentence": ["a", "b"], "intent": [1, 0]}, features=features)
    WRITERS[name](data.data.table, str(tmp_path / name))
    dataset = open_dataset(tmp_path / name, split_strategy="")
    assert list(dataset.records("train")) == [{"text": "a", "label": "yes"}, {"text": "b", "label": "no"}]


@pytest.mark.parametrize(
    ("feature", "value", "python"),
    [
        (
            {"feature": {"a": LABEL, "b": VALUE}, "_type": "Sequence"},
            {"a": [0, 1], "b": [5, 6]},
            {"a": ["no", "yes"], "b": [5, 6]},
        ),
        ({"feature": {"a": LABEL}, "_type": "List"}, [{"a": 1}], [{"a": "yes"}]),
        ({"feature": {"feature": LABEL, "_type": "Sequence"}, "_type": "Sequence"}, [[0], []], [["no"], []]),
        ([{"a": LABEL}], [{"a": 1}], [{"a": "yes"}]),
        ({"a": {"b": LABEL}}, {"a": {"b": 0}}, {"a": {"b": "no"}}),
        (LABEL, 7, None),
        (LABEL, None, None),
    ],
)
def test_features_of_every_version(feature, value, python):
    rows = rows_of_tables(iter([pa.Table.from_pylist([{"x": value, "y": 1}])]), {"x": feature})
    assert list(rows) == [{"x": python, "y": 1}]


def test_the_shortest_decimal_of_a_float32(tmp_path):
    table = pa.table({"text": ["a", "b"], "label": pa.array([3.8, None], pa.float32())})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert [row["label"] for _, row in Parquet().rows(tmp_path / "a.parquet", "strict")] == [3.8, None]


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(count):
        path = tmp_path / f"{count}.parquet"
        texts = ["x" * 100] * count
        pyarrow.parquet.write_table(pa.table({"text": texts}), path, row_group_size=1000)
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        maximum = 0
        for number, _ in enumerate(Parquet().rows(path, "strict")):
            maximum = max(maximum, pa.total_allocated_bytes() - before) if number % 500 == 0 else maximum
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return python + maximum

    assert peak(40_000) < 1.5 * peak(4_000) + 100_000


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"hello there", lambda data: data[:-100]])
def test_damaged_files(tmp_path, name, damage):
    path = tmp_path / name
    WRITERS[name](TABLE, str(path))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"^Cannot read .*a?\.\w+: it is damaged or of another format.") as caught:
        list(open_dataset(path, split_strategy="").records("train"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.arrow", "stream.arrow"])
def test_offsets_out_of_the_buffer(tmp_path, name):
    """Pyarrow does not check those of a file: Python ended with a segmentation fault."""
    path, texts = tmp_path / name, ["a" * 1000, "b", "c"]
    WRITERS[name](pa.table({"text": texts}), str(path))
    data = path.read_bytes()
    offsets = np.array([0, 1000, 1001, 1002], "<i4").tobytes()
    assert data.count(offsets) == 1
    path.write_bytes(data.replace(offsets, np.array([0, 1000, 2**30, 1002], "<i4").tobytes()))
    with pytest.raises(ValueError, match="it is damaged or of another format. Received: .*[Oo]ffset"):
        list(open_dataset(path, split_strategy="").records("train"))


def test_a_null_in_a_required_field(tmp_path):
    pyarrow.parquet.write_table(pa.table({"text": ["a", None]}), tmp_path / "a.parquet")
    dataset = open_dataset(tmp_path / "a.parquet", required=("text",), split_strategy="")
    with pytest.raises(ValueError, match=r"^Expected a value of text at .*a.parquet record 2. Received: text=None"):
        list(dataset.records("train"))
