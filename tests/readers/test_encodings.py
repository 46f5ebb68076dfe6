"""Encodings of text files and separators of CSV: what is read, what is said, what is refused."""

import csv
import gzip
import itertools

import pytest

from zoo.data.opening import open_dataset
from zoo.readers._encoding import encoding_of_mark
from zoo.readers.csv import SEPARATORS, detect_separator
from zoo.runtime.errors import UserError

TEXTS = ["The café is closed on Monday", "plain words", "Grüße aus dem Süden"]


def read_texts(path, errors="strict"):
    return [record["text"] for record in open_dataset(path, errors=errors, split_strategy="").records("train")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl", ".tsv.gz"])
def test_a_byte_order_mark_decides(tmp_path, capsys, encoding, ending):
    if ending == ".jsonl":
        content = "".join(f'{{"text": "{text}"}}\n' for text in TEXTS)
    else:
        content = ("" if ending == ".txt" else "text\n") + "".join(f"{text}\r\n" for text in TEXTS)
    data = content if encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32") else f"\ufeff{content}"
    path = tmp_path / f"train{ending}"
    path.write_bytes(gzip.compress(data.encode(encoding)) if ending.endswith(".gz") else data.encode(encoding))
    assert read_texts(path) == TEXTS
    assert read_texts(path, errors="replace") == TEXTS
    message = capsys.readouterr().err
    assert message.count(f"{path} as UTF-") == (not encoding.startswith("utf-8"))  # said once


def test_no_mark():
    assert encoding_of_mark(b"") == ""
    assert encoding_of_mark("\ufeffa".encode()) == ""


def test_a_truncated_file_in_utf_16(tmp_path):
    path = tmp_path / "train.txt"
    path.write_bytes("good\nbad".encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"Expected UTF-16 in .*train.txt, by its byte order mark"):
        read_texts(path)


def test_western_text_is_read_as_cp1252_and_said_once(tmp_path, capsys):
    path = tmp_path / "train.txt"
    path.write_bytes("\n".join(["ascii", *TEXTS, "a price of 3 € – or less"]).encode("cp1252"))
    assert read_texts(path) == ["ascii", *TEXTS, "a price of 3 € – or less"]
    assert read_texts(path) == ["ascii", *TEXTS, "a price of 3 € – or less"]
    message = capsys.readouterr().err
    assert message.count("as cp1252 (Windows-1252), a guess") == 1
    assert "'café' in line 2" in message
    assert read_texts(path, errors="replace")[1] == "The caf\ufffd is closed on Monday"


@pytest.mark.parametrize(
    "data",
    [
        "naïve\n".encode() + "café\n".encode("cp1252"),  # a broken line in a UTF-8 file
        "Привет, как дела?\n".encode("cp1251"),  # another alphabet
        "日本語の文章です\n".encode("shift-jis"),
        b"a caf\xe9 \x81\n",  # 0x81 is no character of cp1252
    ],
)
def test_other_files_that_are_not_utf8_are_refused(tmp_path, data):
    path = tmp_path / "train.txt"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"Expected UTF-8\. Received: byte 0x.. at .*train\.txt:\d, byte .*Save"):
        read_texts(path)


def test_two_encodings_in_one_file_are_refused(tmp_path):
    path = tmp_path / "train.txt"
    path.write_bytes("the café\n".encode("cp1252") + "the naïve\n".encode())
    with pytest.raises(UserError, match=r"one encoding in .*train.txt. Received: cp1252 in line 1, UTF-8 in line 2"):
        read_texts(path)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separators_of_csv(tmp_path, capsys, separator):
    rows = [["text", "label"], *([f"row, {i}; a|b\tc", "yes"] for i in range(100)), ['"quoted"\nlines', "no"]]
    path = tmp_path / "train.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    records = [*open_dataset(path, split_strategy="").records("train")]
    assert [[record["text"], record["label"]] for record in records] == rows[1:]
    message = capsys.readouterr().err
    assert message.count(f"with {SEPARATORS[separator]} between cells") == (separator != ",")


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("text\none; two\nthree; four\n", ","),  # a single column
        ("text,label\na;b,c\na;b\n", ","),  # a row too short
        ("a;b, c\n1;2\n3;4\n", ";"),
        ("a,b;c\n1,2;3\n", ","),  # both fit: the comma
        ("", ","),
        ('text;label\n"a, b";"c"\n"d;\n e";f\n', ";"),
    ],
)
def test_the_header_and_the_first_rows_decide(content, separator):
    assert detect_separator(content.splitlines(keepends=True)) == separator


def test_a_cell_over_many_lines_at_the_edge_of_the_sample():
    lines = ["a;b\n", *itertools.repeat("1;2\n", 40), '"', *itertools.repeat("x, y\n", 60)]
    assert detect_separator(lines[:50]) == ";"
