"""`zoo predict`: texts from arguments, files and standard input; one answer a text, in order."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

TEXTS = ["a great film", "an awful film", ""]


def answers(result):
    """The JSON lines of standard output, which holds nothing else."""
    assert (result.status, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def test_arguments(cli, model_folder):
    lines = cli("predict", model_folder, *TEXTS).out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["good", "bad"]
    assert [line.partition("  ")[2] for line in lines] == TEXTS
    result = answers(cli("predict", model_folder, "--json", *TEXTS))
    assert [answer["text"] for answer in result] == TEXTS
    assert [answer["label"] for answer in result[:2]] == ["good", "bad"]
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1) for answer in result)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("texts.txt", "a great film\nan awful film\n"),
        ("texts.tsv", "id\ttext\n1\ta great film\n2\tan awful film\n"),
        ("texts.jsonl", '{"text": "a great film"}\n{"text": "an awful film"}\n'),
    ],
)
def test_files(cli, model_folder, name, content):
    Path(name).write_text(content)
    result = answers(cli("predict", model_folder, "--file", name, "--json"))
    assert [answer["text"] for answer in result] == TEXTS[:2]


@pytest.mark.parametrize("name", ["texts.parquet", "texts.feather", "texts.xlsx"])
def test_files_of_tables(cli, model_folder, name):
    import pandas

    frame = pandas.DataFrame({"id": [1, 2], "text": TEXTS[:2]})
    {"parquet": frame.to_parquet, "feather": frame.to_feather}.get(name.partition(".")[2], frame.to_excel)(name)
    result = answers(cli("predict", model_folder, "--file", name, "--json"))
    assert [answer["text"] for answer in result] == TEXTS[:2]


def test_columns_of_a_file(cli, model_folder, check_refused):
    Path("texts.tsv").write_text("sentence\na great film\n")
    check_refused("Map it by --columns text=NAME", cli, "predict", model_folder, "--file", "texts.tsv")
    (result,) = answers(cli("predict", model_folder, "--file", "texts.tsv", "--columns", "text=sentence", "--json"))
    assert result["label"] == "good"


def test_mistakes(cli, model_folder, check_refused):
    Path("texts.txt").write_bytes("naïve\n".encode() + b"caf\xe9\n")
    file = ("predict", model_folder, "--file")
    check_refused("texts.txt:2, byte 4 of the line", cli, *file, "texts.txt")
    assert answers(cli(*file, "texts.txt", "--errors", "replace", "--json"))[1]["text"] == "caf\ufffd"
    check_refused("'texts.text', which does not exist...'texts.txt'", cli, *file, "texts.text")
    check_refused("Expected texts or --file, not both. Received: 1 texts and --file a.txt", cli, *file, "a.txt", "text")


def test_standard_input(cli, model_folder):
    """Lines of any bytes, any length, with any ending; an empty line is an empty text."""
    lines = ["a great film", "", "caf\ufffd", "nul \0 byte", "last"]
    result = answers(cli("predict", model_folder, "--json", stdin=b"a great film\r\n\ncaf\xe9\nnul \0 byte\nlast"))
    assert [answer["text"] for answer in result] == lines
    assert answers(cli("predict", model_folder, "--json", stdin=b"")) == []


TRUNCATED = "Truncated: 1 of 1 texts are longer than 16 tokens (objective.length).\n"


@pytest.mark.parametrize("unit", [b"some great film ", b"\xff", "日本👩‍👩‍👧".encode()])
def test_a_text_of_a_million_bytes(cli, model_folder, unit):
    start = time.monotonic()
    result = cli("predict", model_folder, "--json", stdin=unit * (1_000_000 // len(unit)))
    assert (result.status, result.err) == (0, TRUNCATED)
    assert json.loads(result.out)["label"] in ("good", "bad")
    assert time.monotonic() - start < 60


def test_strange_characters_in_arguments(cli, model_folder):
    assert answers(cli("predict", model_folder, "--json", "caf\udce9"))[0]["text"] == "caf\ufffd"
    assert "good" in cli("predict", model_folder, "a great\nfilm").out.splitlines()[0]


def test_pairs(cli, pair_folder, check_refused):
    result = answers(cli("predict", pair_folder, "--json", "one", "other", "a", "b"))
    assert [(answer["text"], answer["text_pair"]) for answer in result] == [("one", "other"), ("a", "b")]
    assert answers(cli("predict", pair_folder, "--json", stdin=b"one\nother\n"))[0] == result[0]
    check_refused("Expected text and text_pair for this model. Received: 1 text(s)", cli, "predict", pair_folder, "one")


def test_a_reader_that_goes_away(model_folder, tmp_path):
    """As `zoo predict ... | head -1`: far more answers than fit into the pipe."""
    (tmp_path / "texts.txt").write_text("a great film\n" * 4000)
    command = [sys.executable, "-m", "zoo", "predict", model_folder, "--file", tmp_path / "texts.txt", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["label"] == "good"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
