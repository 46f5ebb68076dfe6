"""Workbooks: sheets, splits, types of cells, empty rows and columns; mistakes name the sheet and the row."""

import datetime
import gzip
import zipfile

import openpyxl
import pytest

from zoo.data.opening import open_dataset
from zoo.readers.xlsx import MOST

ROWS = [["text", "label"], *([f"text {i}", i % 2] for i in range(20))]


def write(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def located(spec, split="train", **options):
    return list(open_dataset(spec, split_strategy="", **options).located_records(split))


def test_the_first_sheet(tmp_path):
    path = write(tmp_path / "a.xlsx", One=ROWS, Two=[["text"], ["b"]])
    assert located(path)[1:3] == [
        (f"{path}:3", {"text": "text 1", "label": "1"}),
        (f"{path}:4", {"text": "text 2", "label": "0"}),
    ]
    assert open_dataset(path).splits == ("train", "validation", "test")


def test_a_sheet_by_name(tmp_path):
    path = write(tmp_path / "a.xlsx", One=ROWS, Two=[["text"], ["b"]])
    assert located(f"{path}/Two") == [(f"{path}/Two:2", {"text": "b"})]
    assert open_dataset(f"{path}/One#test").splits == ("test",)
    assert open_dataset(f"{path}/One").fingerprint("train") == open_dataset(f"{path}/One").fingerprint("train")


def test_sheets_called_as_splits(tmp_path):
    path = write(tmp_path / "a.xlsx", Notes=[["x"], [1]], Train=ROWS, dev=ROWS[:3], test=ROWS[:4])
    dataset = open_dataset(path)
    assert [len(list(dataset.records(split))) for split in dataset.splits] == [20, 2, 3]
    assert dataset.derived_splits == ()
    assert open_dataset(f"{path}#dev").splits == ("validation",)


def test_files_of_a_folder_are_its_splits(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path / f"{split}.xlsx", Sheet=ROWS)
    assert open_dataset(tmp_path).splits == ("train", "validation")


def test_cells(tmp_path):
    rows = [
        [],
        [None, "text", None, "label", "when"],
        [None, 12, "note", 1.5, datetime.datetime(2024, 2, 1, 10, 30)],
        [],
        ["note", True, None, 12345678901, None],
    ]
    path = write(tmp_path / "a.xlsx", Sheet=rows)
    assert located(path, columns={"id": "when"}) == [
        (f"{path}:3", {"text": "12", "label": "1.5", "id": "2024-02-01T10:30:00"}),
        (f"{path}:5", {"text": "True", "label": "12345678901", "id": ""}),
    ]


def test_gzipped(tmp_path):
    path = write(tmp_path / "a.xlsx", Sheet=ROWS)
    compressed = tmp_path / "b.XLSX.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(located(compressed)) == 20


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("a.xlsx/two", r"^Unknown sheet of a.xlsx. Received: 'two'. Did you mean 'Two'\? Known: One, Two, Empty\.$"),
        ("a.xlsx/One", r"^Expected a label at a.xlsx/One:3. Received: label=''\.$"),
        ("a.xlsx/Two", r"^Expected different column names in a.xlsx/Two. Received: 'text' twice"),
        ("a.xlsx/Empty", r"^Expected records in a.xlsx/Empty. Received: an empty file"),
        ("b.xlsx", r"^Expected a workbook. Received: b.xlsx, which cannot be read \(.*\)\.$"),
        ("c.xlsx", r"^Expected a file or folder. Received: path='c.xlsx', which does not exist"),
    ],
)
def test_mistakes(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    write("a.xlsx", One=[["text", "label"], ["a", "x"], ["b", None]], Two=[["text", "text"], ["a", "b"]], Empty=[])
    (tmp_path / "b.xlsx").write_text("text,label\na,b\n")
    with pytest.raises(ValueError, match=message):
        located(spec)


def test_a_workbook_that_unpacks_to_far_more_is_refused(tmp_path):
    path = tmp_path / "train.xlsx"
    write(path, Sheet1=[["text"], ["a"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as member:
        for _ in range(MOST >> 20):
            member.write(bytes(2**20))
    with pytest.raises(ValueError, match=r"Expected at most 256 MB at once from .*train.xlsx. Received: more"):
        open_dataset(path)
