"""`zoo evaluate`, `zoo list` and the help: what stands where on standard output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.runtime.version import VERSION

COMMANDS = (
    *("list", "train", "import", "average", "evaluate", "predict", "generate", "chat", "export", "course", "clean"),
)


def test_scores_for_people(cli, model_folder, reviews):
    result = cli("evaluate", model_folder)
    bad, good, scores, baselines, interval = result.out.splitlines()
    assert bad.split()[:2] == ["bad", "precision"]
    assert good.split()[-2:] == ["support", "16"]
    assert scores.startswith("accuracy ")
    assert baselines.startswith("  accuracy of chance 0.5000, of TF-IDF with logistic regression ")
    assert interval.startswith("  accuracy is between ")
    assert (result.status, result.err) == (0, f"Scored records: 32, of {reviews / 'test.tsv'}.\n")


def test_scores_as_json(cli, model_folder):
    result = cli("evaluate", model_folder, "--json")
    (line,) = result.out.splitlines()
    scores, pipeline = json.loads(line), zoo.load(model_folder)
    comparison = ScoreComparison.from_json(scores.pop("comparison"))
    assert scores == pytest.approx(pipeline.scores["test"])
    assert {"accuracy", "f1"} <= set(scores)
    assert comparison == pipeline.baselines["test"]
    assert result.err.startswith("Scored records: 32, of ")


def test_data_of_the_user(cli, model_folder, check_refused):
    Path("mine.tsv").write_text("words\tlabel\ngreat\tgood\nlovely\tgood\n")
    command = ("evaluate", model_folder, "--data", "mine.tsv")
    assert json.loads(cli(*command, "--columns", "text=words", "--json").out)["accuracy"] == 1
    check_refused("Expected a column 'text' in the header of mine.tsv", cli, *command)
    Path("mine.tsv").write_text("text\tlabel\ngreat\tgod\n")
    check_refused("bad, good in mine.tsv. Received: label='god' at mine.tsv:2. Did you mean 'good'?", cli, *command)
    Path("mine.tsv").write_text("text\tlabel\ngreat\tgod\nlovely\tgood\n")
    result = cli(*command, "--json")
    assert json.loads(result.out)["accuracy"] == 0.5
    assert "count as mistakes: god (1), first at mine.tsv:2. Did you mean 'good'?" in result.err


def test_the_file_of_training(cli, tmp_path):
    """Only its derived test split is scored, under whatever path; rows of training in other data are counted."""
    rows = [f"a {adjective} film {i}\t{label}" for i in range(20) for adjective, label in (("fine", 1), ("bad", 0))]
    table = "\n".join(["text\tlabel", *rows]) + "\n"
    Path("mine.tsv").write_text(table)
    Path("copy.tsv").write_text(table)
    tiny = ("architecture=averaging", "architecture.width=8", "training.epochs=1")
    assert cli("train", "text_cnn_sst2", *tiny, "--data", "mine.tsv", "--to", "model").status == 0
    result_without_data = cli("evaluate", "model", "--json")
    assert result_without_data.err == "Scored records: 4, of mine.tsv (test split, derived with seed 0).\n"
    for data in ("mine.tsv", tmp_path / "mine.tsv", "mine.tsv#test", "copy.tsv#test", "copy.tsv"):
        result = cli("evaluate", "model", "--data", data, "--json")
        assert result.out == result_without_data.out
        assert result.err.startswith("Scored records: 4, of ")
        assert result.err.endswith("(test split, derived with seed 0).\n")
    assert "all of them are training rows" in cli("evaluate", "model", "--data", "mine.tsv#train").err
    Path("other.tsv").write_text(table + "a new one\t1\n")
    result = cli("evaluate", "model", "--data", "other.tsv")
    assert result.err == (
        "Scored records: 41, of other.tsv.\n"
        "Warning: 32 of them are training rows of this model, by their texts. They raise the scores.\n"
    )


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


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("-h",), ("train", "--help"), *((name, "-h") for name in COMMANDS)]
)
def test_help(cli, arguments):
    result = cli(*arguments)
    assert (result.status, result.err) == (0, "")
    assert "Usage: zoo" in result.out


def test_version(cli):
    result = cli("--version")
    assert (result.status, result.out, result.err) == (0, f"zoo {VERSION}\n", "")


def test_completion_of_a_shell(tmp_path):
    environment = os.environ | {"_ZOO_COMPLETE": "complete_bash", "COMP_WORDS": "zoo ev", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "zoo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.split() == ["evaluate"]


def test_clean(cli):
    for name in (".cache/a", "one.running/b", "two/c"):
        path = Path("models") / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"0" * 2_000_000)
    result = cli("clean", "models", stdin=b"n\n")
    assert result.out.count("2.0 MB") == 2
    assert result.err.endswith("Nothing was removed.\n")
    assert len(list(Path("models").iterdir())) == 3
    assert cli("clean", "models", "--yes").err == "Removed 2 folders.\n"
    assert [path.name for path in Path("models").iterdir()] == ["two"]
    assert cli("clean", "models").err == "Nothing to remove in models.\n"
    assert "which is no folder" in cli("clean", "nowhere").err


def test_an_unknown_preset_names_the_nearest(cli):
    result = cli("train", "mlp_helpdsk")
    assert result.status == 2
    assert "Did you mean 'mlp_helpdesk'?" in result.err
    assert "zoo list presets shows all" in result.err
    assert len(result.err) < 250


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
