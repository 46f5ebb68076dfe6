"""Headers of tables: blanks around names, files without a header, columns without a name, Excel's first line."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.opening import open_dataset
from zoo.readers._header import reason_for_no_header


def records(path, content, columns=None, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    dataset = open_dataset(path, columns, split_strategy="", required=("text", "label"), optional=(), **options)
    return [(record["text"], record["label"]) for record in dataset.records("train")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text, label\na,x\nb,y\n", [("a", "x"), ("b", "y")]),
        (" text ;label\t\na, b;x\n", [("a, b", "x")]),
        ('\ufefftext;label\r\n"a; b";x\r\n"c\r\nd ""e""";y\r\n', [("a; b", "x"), ('c\r\nd "e"', "y")]),
        ("\ufeffsep=;\r\ntext;label\r\na, b;x\r\n", [("a, b", "x")]),
        ('"sep=,"\ntext,label\na,x\n', [("a", "x")]),
        ("sep=\t\ntext\tlabel\na, b\tx\n", [("a, b", "x")]),
        ("sep=^\ntext^label\na, b^x\n", [("a, b", "x")]),
        ("text|label\na, b|x\n", [("a, b", "x")]),
        ("text\tlabel\na, b\tx\n", [("a, b", "x")]),
        (",text,label\n0,a,x\n1,b,y\n", [("a", "x"), ("b", "y")]),  # pandas' index
        ("text;label;;\na;x;;\nb;y;;\n", [("a", "x"), ("b", "y")]),
        ("text;label\na;x;;\nb;y\n", [("a", "x"), ("b", "y")]),
    ],
)
def test_csv_as_people_have_it(tmp_path, content, expected):
    assert records(tmp_path / "train.csv", content) == expected


def test_locations_count_the_line_that_names_the_separator(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a label at .*train.csv:4\."):
        records(tmp_path / "train.csv", "sep=;\ntext;label\na;x\nb;\n")


def test_utf_16_as_excel_saves_unicode_text(tmp_path):
    content = "text\tlabel\r\nä, b\tx\r\n".encode("utf-16")
    assert records(tmp_path / "train.csv", content) == [("ä, b", "x")]


@pytest.mark.parametrize("name", ["train.csv", "train.tsv"])
def test_a_file_without_a_header_has_numbers_as_names(tmp_path, capsys, name):
    separator = "," if name.endswith("csv") else "\t"
    content = "".join(f"{text}{separator}{label}\n" for text, label in [("a b", "x"), ("c d", "y"), ("e", "x")])
    with pytest.raises(ValueError, match=r"Expected a column 'text'.*columns=\['1', '2'\].* --columns text=1\."):
        records(tmp_path / name, content)
    assert records(tmp_path / name, content, {"text": "1", "label": "2"})[0] == ("a b", "x")
    message = f"Read {tmp_path / name} without a header, as 'x' of its first row is a value of other rows too."
    assert f"{message} Its columns have numbers, as in --columns text=1: 1 ('a b'), 2 ('x')." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "rows", "is_data"),
    [
        (["so good", "1"], [["bad", "0"], ["fine", "1"]], True),
        (["bonjour", "fr"], [["hello", "en"], ["salut", "fr"]], True),
        (["hello", "en"], [["salut", "fr"], ["hi", "en"]], True),  # `en` is a well-known name too
        (["A sentence of more than five words.", "x"], [["b", "y"], ["c", "z"]], True),
        (["message", "spam"], [["a", "ham"], ["b", "spam"]], False),
        (["0", "1"], [["a", "0"], ["b", "1"]], False),  # as pandas names columns
        (["", "0", "1"], [["0", "a", "0"], ["1", "b", "1"]], False),
        (["How was it, in your own words?", "why"], [["b", "y"], ["c", "z"]], False),
        (["sentence", "mood"], [["a", "x"], ["b", "y"]], False),
        (["a", "b"], [["a", "b"]], False),
    ],
)
def test_headers_are_told_from_data(first, rows, is_data):
    assert bool(reason_for_no_header(first, rows)) == is_data


def test_a_header_that_comes_again_is_named(tmp_path):
    content = "text,label\na,x\ntext,label\nb,y\n"
    with pytest.raises(ValueError, match=r"Expected data at .*train.csv:3. Received: the header again"):
        records(tmp_path / "train.csv", content)
    assert records(tmp_path / "train.csv", content, skip_invalid=True) == [("a", "x"), ("b", "y")]


def test_ragged_rows_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"Expected 2 fields at .*train.csv:3.*too many \(3\)"):
        records(tmp_path / "train.csv", "text,label\na,x\nb, c,y\n")


def test_a_long_header_makes_a_short_message(tmp_path):
    header = ",".join(f"column{number}" for number in range(2000))
    with pytest.raises(ValueError, match="Expected a column 'text'") as caught:
        records(tmp_path / "train.csv", f"{header}\n{header.replace('column', 'value')}\n")
    assert len(str(caught.value)) < 1200


cells = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(",;\t|"), st.booleans())
def test_round_trip_with_every_separator(tmp_path, table, separator, is_named):
    output = io.StringIO()
    csv.writer(output, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *table])
    content = f"sep={separator}\r\n" * is_named + output.getvalue()
    (tmp_path / "a.csv").write_bytes(content.encode())
    dataset = open_dataset(tmp_path / "a.csv", split_strategy="", required=("text",))
    rows = [(row["text"], row["label"]) for row, _ in dataset.rows_and_records("train")]
    assert rows == [row for row in table if row != ("text", "label")]
