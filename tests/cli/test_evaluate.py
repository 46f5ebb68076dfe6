"""`zoo evaluate`, `zoo list` and the help: what stands where on standard output."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import zoo


def test_scores_for_people(cli, model_folder):
    result = cli("evaluate", model_folder)
    bad, good, scores = result.out.splitlines()
    assert bad.split()[:2] == ["bad", "precision"]
    assert good.split()[-2:] == ["support", "16"]
    assert scores.startswith("accuracy ")
    assert (result.status, result.err) == (0, "")


def test_scores_as_json(cli, model_folder):
    result = cli("evaluate", model_folder, "--json")
    (line,) = result.out.splitlines()
    assert json.loads(line) == pytest.approx(zoo.load(model_folder).scores["test"])
    assert {"accuracy", "f1"} <= set(json.loads(line))
    assert result.err == ""


def test_data_of_the_user(cli, model_folder, check_refused):
    Path("mine.tsv").write_text("words\tlabel\ngreat\tgood\nlovely\tgood\n")
    command = ("evaluate", model_folder, "--data", "mine.tsv")
    assert json.loads(cli(*command, "--columns", "text=words", "--json").out)["accuracy"] == 1
    check_refused("Expected a column 'text' in the header of mine.tsv", cli, *command)
    Path("mine.tsv").write_text("text\tlabel\ngreat\tgod\n")
    check_refused("at mine.tsv:2. Received: label='god'. Did you mean 'good'?", cli, *command)


def test_the_picture(cli, model_folder, check_refused):
    assert cli("evaluate", model_folder, "--picture", "confusion.png").status == 0
    assert Path("confusion.png").read_bytes().startswith(b"\x89PNG")
    check_refused("Expected --picture NAME.png. Received: a.jpg", cli, "evaluate", model_folder, "--picture", "a.jpg")
    check_refused("directory (no/a.png). Create its fol", cli, "evaluate", model_folder, "--picture", "no/a.png")


def test_list(cli):
    assert json.loads(cli("list", "presets", "--json").out) == {"presets": list(zoo.names("presets"))}
    assert set(json.loads(cli("list", "--json").out)) == set(zoo.catalog.CONTRACTS)
    objectives = cli("list", "objectives").out.splitlines()
    (row,) = (i for i, line in enumerate(objectives) if line.split()[0] == "translate")
    assert objectives[row + 1].split()[0] == "with"
    assert {"rnn_seq2seq", "transformer"} <= {name.strip(",") for name in objectives[row + 1].split()}
    assert not any(line.split()[0] == "with" for line in cli("list").out.splitlines())
    lines = cli("list").out.splitlines()
    assert "architectures:" in lines
    assert any(line.split()[0] == "lstm" and len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("train", "--help")])
def test_help(cli, arguments):
    result = cli(*arguments)
    assert (result.status, result.err) == (0, "")
    assert "Usage: zoo" in result.out


def test_a_mistake_in_a_process_of_its_own(tmp_path):
    """No library adds a line, and no backend is needed to start with."""
    command = [sys.executable, "-m", "zoo", "train", "mlp_helpdesk", "--columns", "x", "--to", tmp_path / "model"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "zoo: Expected --columns FIELD=NAME,FIELD=NAME, as in text=sentence,label=y. Received: 'x'.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_backend(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "list", "objectives"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("zoo: Cannot start 'pytorch' (")
    assert done.stderr.endswith("Set KERAS_BACKEND to jax, torch or tensorflow.\n")
