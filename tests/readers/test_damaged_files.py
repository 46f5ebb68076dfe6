"""Files of other programs that are damaged, or odd but legal: one line each, never a traceback or a crash."""

import json
import random
import zipfile
import zlib

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from zoo.data.opening import open_dataset
from zoo.runtime.errors import UserError, user_message


def read(path):
    dataset = open_dataset(path, split_strategy="")
    return [record for split in dataset.splits for record in dataset.records(split)]


def check_refused(path, match):
    with pytest.raises(UserError, match=match) as error:
        read(path)
    assert "\n" not in user_message(error.value)


def write_workbook(path, *cells):
    workbook = openpyxl.Workbook()
    for row in (["text", "label"], *([f"text {i}", "ab"[i % 2]] for i in range(10))):
        workbook.active.append(row)
    for row, column in cells:
        workbook.active.cell(row, column, "far")
    workbook.save(path)


def rewrite(path, to, change):
    """A copy of a workbook whose sheet is changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, change(data) if "sheet1" in name else data)


def test_a_damaged_sheet_of_a_workbook(tmp_path):
    write_workbook(tmp_path / "a.xlsx")
    rewrite(tmp_path / "a.xlsx", tmp_path / "b.xlsx", lambda data: data[: len(data) // 2])
    check_refused(tmp_path / "b.xlsx", "Expected a workbook. Received: .*b.xlsx, which cannot be read")


def test_a_cell_far_from_the_table(tmp_path):
    """Calamine holds the whole rectangle: it would ask for 550 GB, and end the process."""
    path = tmp_path / "a.xlsx"
    write_workbook(path, (1048576, 16384))
    check_refused(path, "Expected a sheet without cells far from its table .* Received: 23 cells, up to XFD1048576")
    for attribute in ("r='XFD1048576'", 'r = "XFD1048576"', 'r="xfd1048576"'):
        rewrite(path, tmp_path / "b.xlsx", lambda data, s=attribute: data.replace(b'r="XFD1048576"', s.encode()))
        check_refused(tmp_path / "b.xlsx", "Received: 23 cells, up to XFD1048576")
    write_workbook(path, (200, 300))
    assert len(read(path)) == 10


def cells_of_labels(value):
    return {"info": {"features": {"label": value, "text": {"_type": "Value", "dtype": "string"}}}}


@pytest.mark.parametrize(
    "metadata",
    [
        *({"info": {"features": features}} for features in (3, None, [1])),
        *(cells_of_labels({"_type": "ClassLabel", "names": names}) for names in (3, {"a": 1}, [3])),
        *(cells_of_labels(value) for value in (3, [], {"_type": "List"}, {"_type": "Translation", "languages": 3})),
    ],
)
def test_features_of_another_form(tmp_path, metadata):
    table = pa.table({"text": ["a", "b"], "label": ["x", "y"]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert [record["label"] for record in read(tmp_path / "a.parquet")] == ["x", "y"]


def test_a_translation_that_is_no_translation(tmp_path):
    features = {name: {"_type": "Translation"} for name in ("text", "gone")}
    table = pa.table({"text": ["a"]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [{"text": "a"}]


def test_features_that_are_nested_deeply(tmp_path):
    table = pa.table({"text": ["a"]}).replace_schema_metadata({"huggingface": "[" * 100_000})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [{"text": "a"}]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.duration("s")])
def test_times_that_python_cannot_hold(tmp_path, kind):
    table, path = pa.table({"text": ["a"], "time": pa.array([2**60], kind)}), tmp_path / "a.arrow"
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    check_refused(path, "Cannot read .*a.arrow: it is damaged or of another format. Received: ")


def test_damaged_doc_bins(tmp_path):
    spacy = pytest.importorskip("spacy")
    doc = spacy.blank("en")("Ann lives in Rome")
    doc.ents = [doc.char_span(0, 3, "PER")]
    data = spacy.tokens.DocBin(docs=[doc]).to_bytes()
    rng, refused = random.Random(0), 0
    for number in range(60):
        changed = bytearray(zlib.decompress(data))
        changed[rng.randrange(len(changed))] = rng.randrange(256)
        path = tmp_path / f"{number}.spacy"
        path.write_bytes(zlib.compress(bytes(changed)))
        try:
            read(path)
        except UserError as error:
            refused += "Expected a DocBin of spaCy in" in user_message(error)
    assert refused > 5


@pytest.mark.parametrize(
    "annotations", [["x"], [3], [None], [["a"]], [{"result": 3}], [{"result": [3]}], [{"result": [{"value": 3}]}]]
)
def test_tasks_of_label_studio_of_another_form(tmp_path, annotations):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"id": 1, "data": {"text": "a"}, "annotations": annotations}]))
    check_refused(path, "Expected a result of Label Studio at .*a.json")


@pytest.mark.parametrize("categories", [3, ["a"], {"a": "x"}, {"a": None}, {"a": [1]}])
def test_categories_of_spacy_of_another_form(tmp_path, categories):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([["a text", {"cats": categories}]]))
    check_refused(path, "Expected an entry of spaCy at .*a.json")


@pytest.mark.parametrize("line", ["T1\t\tAnna", "T1\t \n", "T1", f"T1\tPER {'9' * 5000} 3\tAnn", "T1\tPER ² ³\tA"])
def test_lines_of_brat_of_another_form(tmp_path, line):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "doc.txt").write_text("Anna")
    (tmp_path / "a" / "doc.ann").write_text(line)
    check_refused(tmp_path / "a", "Expected an annotation such as T1<tab>Person 0 8<tab>Ann Lee at .*doc.ann:1")
