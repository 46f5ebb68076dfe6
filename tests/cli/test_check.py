"""`zoo check`: counts, lengths, labels, overlaps, likely mistakes, and the objectives that suit the data."""

import json
from pathlib import Path

import pytest

from zoo import catalog
from zoo.data.data_check import check_data
from zoo.data.opening import open_dataset


def table(path, header, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join("\t".join(row) for row in (header, *rows)) + "\n", encoding="utf-8")
    return path


def checked(path, **settings):
    return check_data(open_dataset(path, split_strategy="", **settings))


def test_report_of_a_folder(cli):
    rows = [(f"text number {i}", "yes" if i % 3 else "no") for i in range(30)]
    table(Path("d/train.tsv"), ("text", "label"), [*rows, ("text number 0", "Yes "), ("", "no")])
    table(Path("d/test.tsv"), ("text", "label"), [("text number 1", "yes"), ("new", "maybe")])
    result = cli("check", "d")
    assert result.status == 0
    assert result.out.splitlines() == [
        "columns: text, label",
        "rows: train 32  test 2",
        "fields: text, label",
        "length of text: median 3 words, 95th percentile 3, longest 3 (14 characters)",
        "label: 3 values: yes 20, no 11, Yes 1",
        "rare values of label, below 10: Yes 1",
        "duplicates in train: 1 rows with the text of an earlier row",
        "shared by train and test: 1 of 2 rows of test",
        "empty text: 1 rows",
        "scripts: Latin 100.0%",
        "likely mistake: Values of label differ only in case or blanks: 'yes' (20), 'Yes' (1).",
        "likely mistake: test has 1 labels that the training split lacks: 'maybe'.",
        "likely mistake: 1 rows have the text of an earlier row and another label.",
        *(line for line in result.out.splitlines() if line.startswith("fits ")),
        "train: zoo train classify_text --data d",
    ]
    fits = [line for line in result.out.splitlines() if line.startswith("fits ")]
    assert fits[0].startswith("fits classify_text (with --skip: 1 of the first rows cannot be used): ")
    assert "text_cnn_sst2" in fits[0]
    assert not [line for line in fits if "tag_tokens" in line]


def test_json_has_the_same(cli, data):
    report = json.loads(cli("check", data, "--json").out)
    assert report["statistics"]["rows"] == {"train": 20}
    assert report["statistics"]["label_counts"] == {"label": {"good": 10, "bad": 10}}
    assert report["duplicates"] == {"train": 18}
    assert report["fits"]["classify_text"]["unusable"] == 0
    assert report["mistakes"] == []


def test_columns_to_map(cli):
    rows = [(f"{i}", f"The parcel number {i} is late", "delivery" if i % 2 else "return") for i in range(20)]
    table(Path("t.tsv"), ("key", "body", "topic"), rows)
    out = cli("check", "t.tsv").out
    assert "fields: text, label" in out
    assert "fits classify_text" in out
    assert out.endswith("train: zoo train classify_text --data t.tsv --columns text=body,label=topic\n")
    assert "label: 20 values" in cli("check", "t.tsv", "--columns", "label=key").out


def test_mistakes_in_the_arguments(cli, check_refused, data):
    check_refused("Expected a standard field in columns. Received: 'txt'", cli, "check", data, "--columns", "txt=text")
    check_refused("Expected a file or folder. Received: path='no.tsv'", cli, "check", "no.tsv")


def test_broken_rows_name_the_option(cli, check_refused):
    table(Path("h.tsv"), ("text", "label"), [("a", "x"), ("b", "")])
    check_refused("Expected a label at h.tsv:3. Received: label=''. Leave ... --skip.", cli, "check", "h.tsv")
    result = cli("check", "h.tsv", "--skip")
    assert "rows: train 1" in result.out
    assert "1 with an empty label" in result.err


@pytest.mark.parametrize(
    ("rows", "mistake"),
    [
        ([("a", f"{i}x") for i in range(30)], "label has 30 different values in 30 rows: is it an id or a text?"),
        ([("a", "x")] * 3, "label has one value only: 'x'."),
        ([(f"{i}", "xy"[i % 2]) for i in range(30)], "text holds numbers, such as '0': is it the right column?"),
        ([("a", "b")] * 4 + [("a", "c")], "1 rows have the text of an earlier row and another label."),
    ],
)
def test_likely_mistakes(tmp_path, rows, mistake):
    assert mistake in checked(table(tmp_path / "train.tsv", ("text", "label"), rows)).mistakes


def test_numbers_are_no_classes(tmp_path):
    rows = [(f"text {i}", f"other {i}", f"{i / 10}") for i in range(40)]
    report = checked(table(tmp_path / "train.tsv", ("text", "text_pair", "label"), rows))
    assert not report.rare_labels
    assert not report.mistakes


def test_scripts(tmp_path):
    report = checked(table(tmp_path / "train.tsv", ("text",), [("abc d",), ("мир",), ("世",), ("12 º",)]))
    assert report.scripts == {"Latin": 0.5, "Cyrillic": 0.375, "Cjk": 0.125}


def test_the_sample_fits_every_objective_but_pairs(cli):
    """The sample has the fields of all objectives but those of pairs of texts."""
    fits = json.loads(cli("check", "sample:helpdesk", "--json").out)["fits"]
    assert set(fits) == set(catalog.names("objectives")) - {"embed_text", "score_pair"}
    presets = {preset: catalog.load("presets", preset).objective for preset in catalog.names("presets")}
    for name, fit in fits.items():
        cls = catalog.load("objectives", name)
        assert fit == {"presets": [key for key, value in presets.items() if type(value) is cls], "unusable": 0}
