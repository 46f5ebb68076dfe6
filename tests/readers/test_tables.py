"""tsv and csv: round trip of any cells; errors name file and line of broken rows."""

import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.readers.csv import Csv
from zoo.readers.tsv import Tsv
from zoo.runtime.errors import RowError

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
anything = st.text(characters, max_size=20)
no_breaks = anything.map(lambda text: text.replace("\t", "").replace("\n", "").replace("\r", ""))


def rows(reader, path, errors="strict"):
    rows = [row for _, row in reader.rows(path, errors)]
    for error in (row for row in rows if isinstance(row, RowError)):
        raise error
    return rows


def read(reader, path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return rows(reader, path)


@same_folder
@given(st.lists(st.tuples(no_breaks, no_breaks.map("x".__add__)), max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_tsv_round_trip(tmp_path, table, ending):
    content = "".join("\t".join(row) + ending for row in [("text", "label"), *table])
    assert read(Tsv(), tmp_path / "a.tsv", content) == [{"text": text, "label": label} for text, label in table]


@same_folder
@given(st.lists(st.tuples(anything, anything), max_size=5))
def test_csv_round_trip(tmp_path, table):
    output = io.StringIO()
    csv.writer(output).writerows([("text", "label"), *table])
    assert read(Csv(), tmp_path / "a.csv", output.getvalue()) == [{"text": t, "label": label} for t, label in table]


def test_gz_byte_order_mark_and_missing_last_line_end(tmp_path):
    for reader, content in ((Tsv(), "\ufefftext\tlabel\na\tb"), (Csv(), "\ufefftext,label\r\na,b")):
        path = tmp_path / f"a{reader.extensions[0]}.gz"
        path.write_bytes(gzip.compress(content.encode()))
        assert rows(reader, path) == [{"text": "a", "label": "b"}]


def test_quotation_marks_are_text_in_tsv_and_quote_in_csv(tmp_path):
    assert read(Tsv(), tmp_path / "a.tsv", 'text\tlabel\n"a, b"\tc\n') == [{"text": '"a, b"', "label": "c"}]
    quoted = 'text,label\n"a, ""b""\nc",d\n'
    assert read(Csv(), tmp_path / "a.csv", quoted) == [{"text": 'a, "b"\nc', "label": "d"}]


def test_blank_lines_are_empty_texts_in_a_tsv_of_one_column_only(tmp_path):
    assert read(Tsv(), tmp_path / "a.tsv", "text\n\na\n") == [{"text": ""}, {"text": "a"}]
    assert read(Tsv(), tmp_path / "a.tsv", "text\tlabel\n\na\tb\n\n") == [{"text": "a", "label": "b"}]
    assert read(Csv(), tmp_path / "a.csv", "text,label\n\na,b\n") == [{"text": "a", "label": "b"}]


def test_a_cell_of_a_megabyte(tmp_path):
    long = "x" * 2**20
    for reader in (Tsv(), Csv()):
        assert read(reader, tmp_path / f"a{reader.extensions[0]}", f"text\n{long}\n") == [{"text": long}]


def test_locations_are_first_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"a\nb",c\nd,e\n')
    assert [location for location, _ in Csv().rows(path, "strict")] == [f"{path}:2", f"{path}:4"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.tsv",
            "a\tb\n1\t2\n3\n",
            r"Expected 2 fields at .*a.tsv:3, as in the header \['a', 'b'\]. Received: too few \(1",
        ),
        ("a.tsv", "a\tb\n1\t2\t3\n", r"a.tsv:2.*Received: too many \(3\), row=\['1', '2', '3'\]\.$"),
        ("a.csv", 'a,b\n"1\n2",3\n4\n', r"Expected 2 fields at .*a.csv:4.*too few \(1\), row=\['4'\]\.$"),
        (
            "a.tsv",
            "a\tb\ta\n",
            r"Expected different column names in .*a.tsv. Received: 'a' twice, in columns=\['a', 'b', 'a'\]\.$",
        ),
        (
            "a.csv",
            'a,b\n1,2\n"3,4\n5,6\n',
            r"Expected well-formed CSV at .*a.csv:3. Received: unexpected end of data\.$",
        ),
        ("a.csv", 'a,b\n"1"2,3\n', r"Expected well-formed CSV at .*a.csv:2. Received: ',' expected after '\"'\.$"),
    ],
)
def test_broken_tables(tmp_path, name, content, message):
    reader = Tsv() if name.endswith("tsv") else Csv()
    with pytest.raises(ValueError, match=message):
        read(reader, tmp_path / name, content)
