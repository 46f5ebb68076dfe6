"""`zoo course`: the list, findings as text and JSON, files, overrides, mistakes, and what Ctrl-C keeps."""

import csv
import json
from pathlib import Path

import pytest

import zoo
from zoo import catalog
from zoo.course import Experiment, Finding


class Counting(Experiment):
    """Counts seeds, for tests of the command."""

    number = 99
    interrupted_seed = -1

    def measure(self, seed):
        if seed == self.interrupted_seed:
            raise KeyboardInterrupt
        return [{"seen": seed}]

    def findings(self, rows):
        return [Finding("Seeds differ.", f"{len({row['seen'] for row in rows})} seeds", len(rows) > 1)]

    def plot(self, rows, figure):
        figure.subplots().plot([row["seen"] for row in rows])


@pytest.fixture
def counting(monkeypatch):
    """An experiment of its own kind, registered for one test."""
    monkeypatch.setitem(catalog.REGISTERED["course"], "counting", Counting)
    return Counting


def test_list(cli):
    result = cli("course")
    assert result.status == 0
    number, name, title = result.out.splitlines()[0].split(maxsplit=2)
    assert (number, name) == ("1", "positional_encodings")
    assert "positional encodings" in title
    rows = [json.loads(line) for line in cli("course", "--json").out.splitlines()]
    assert [row["name"] for row in rows] == [line.split()[1] for line in result.out.splitlines()]


def test_findings_and_files(cli):
    result = cli("course", "positional_encodings:small", "width=8", "--to", "results")
    assert result.status == 0, result.err
    assert result.out.startswith("claim:    The encoding of 'I am a Robot' is sin and cos")
    assert "measured: d = 8, n = 100: " in result.out
    assert "holds:    yes" in result.out
    assert "results/positional_encodings.csv, the picture in results/positional_encodings.png" in result.err
    assert {path.name for path in Path("results").iterdir()} == {"positional_encodings.csv", "positional_encodings.png"}
    (first, *_) = csv.DictReader(Path("results/positional_encodings.csv").read_text().splitlines())
    assert (first["seed"], first["d"], first["n"]) == ("0", "8", "100.0")


def test_findings_as_json(cli, counting):
    (line,) = cli("course", "counting", "--json", "--seeds", "2").out.splitlines()
    assert json.loads(line) == {"claim": "Seeds differ.", "measured": "2 seeds", "holds": True}
    assert Path("course/counting.csv").read_text() == "seed,seen\n0,0\n1,1\n"


def test_what_ctrl_c_keeps(cli, counting, monkeypatch):
    monkeypatch.setattr(counting, "interrupted_seed", 1)
    result = cli("course", "counting")
    assert (result.status, result.out) == (130, "")
    assert Path("course/counting.csv").read_text() == "seed,seen\n0,0\n"
    assert Path("course/counting.png").read_bytes().startswith(b"\x89PNG")


def test_python(tmp_path):
    experiment = zoo.catalog.load("course", "positional_encodings")(positions=8)
    result = zoo.run_experiment(experiment, to=tmp_path)
    assert result.name == "positional_encodings"
    assert {row["seed"] for row in result.rows} == {0}


def test_mistakes(cli, check_refused):
    name = "positional_encodings"
    check_refused(f"Unknown experiment...'positional'. Did you mean '{name}'?", cli, "course", "positional")
    check_refused(f"Unknown size of {name}. Received: 'smal'. Did you mean 'small'?", cli, "course", f"{name}:smal")
    check_refused("Unknown field 'widht'...Did you mean 'width'?", cli, "course", name, "widht=4")
    check_refused("Expected a whole number for width. Received: 'four'.", cli, "course", name, "width=four")
    check_refused("Expected field=value. Received: 'width'.", cli, "course", name, "width")
    check_refused("Expected seeds of 1 or more. Received: 0.", cli, "course", name, "--seeds", "0")
