"""Training scripts: each trains, scores, predicts and exports; a killed run of `scripts/train.py` continues."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from kill import KilledError, kill_after

import zoo

SCRIPTS = Path(__file__).parent.parent / "scripts"
SMALL = {  # name: settings of a short run
    "train_classifier": ("architecture.width=8", "architecture.filters=8"),
    "train_tagger": ("architecture.width=8", "architecture.units=8", "architecture.buckets=64"),
    "train_translator": ("architecture.width=8", "architecture.units=8", "objective.eval_samples=2"),
    "train_language_model": ("architecture.width=8", "architecture.depth=1", "architecture.hidden=8"),
    "train_question_answering": ("architecture.width=8", "architecture.depth=1"),
    "train_instructions": ("architecture.width=8", "architecture.depth=1", "objective.eval_samples=1"),
    "train_embedder": ("architecture.width=8",),
    "train_pair_scorer": ("architecture.width=8", "architecture.depth=1", "architecture.hidden=8"),
}
OUTPUT = {  # name: what a line of its predictions holds
    "train_classifier": "): Where is my parcel?",
    "train_translator": "Where is my parcel? -> ",
    "train_language_model": "I ordered",
    "train_question_answering": "What did the customer order? ",
    "train_embedder": "1.00: Where is my parcel?",
    "train_pair_scorer": ": A man plays a guitar. | Someone makes music.",
}


def run(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")


@pytest.mark.slow
def test_the_benchmark_for_gpus_prints_a_table():
    works = ["BERT step, dropout 0.1", "GPT-2 greedy"]
    command = [sys.executable, SCRIPTS / "benchmark_gpu.py", "--small", "--backends", "jax", "--works", *works]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    table = run.stdout[run.stdout.index("\nwork ") :]
    for row in ("BERT step, dropout 0.1, ms", "GPT-2 greedy, 1 rows, tokens/s", "GPT-2 greedy, 8 rows, tokens/s"):
        figures = table[table.index(row) + len(row) :].split()
        assert figures[0] == "-"  # by hand: with PyTorch only
        assert float(figures[1]) > 0


def test_every_training_script_is_tested():
    assert {path.stem for path in SCRIPTS.glob("train_*.py")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_script_trains_scores_predicts_and_exports(name, tmp_path, monkeypatch, capsys):
    data = []
    if name == "train_pair_scorer":
        rows = "".join(f"a text {i}\tanother text {i % 3}\t{i % 3}\n" for i in range(40))
        (tmp_path / "pairs.tsv").write_text("text\ttext_pair\tlabel\n" + rows)
        data = ["--data", tmp_path / "pairs.tsv"]
    run(name, monkeypatch, *data, "--to", tmp_path / "m", "training.max_steps=2", *SMALL[name])
    output = capsys.readouterr().out
    assert output.startswith("validation {")
    assert "\ntest {" in output
    assert OUTPUT.get(name, "") in output
    assert output.splitlines()[-1] == f"SavedModel: {tmp_path / 'm' / '1'}"
    assert (tmp_path / "m" / "1" / "saved_model.pb").is_file()
    assert zoo.load(tmp_path / "m").scores["test"]


def test_a_killed_run_of_a_preset_continues(tmp_path, monkeypatch, capsys):
    command = ("mlp_helpdesk", "--to", tmp_path / "m", "training.epochs=2", "architecture.hidden=8")
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(KilledError):
            run("train", monkeypatch, *command)
    run("train", monkeypatch, *command)
    printed = capsys.readouterr()
    assert "Resumed after epoch 1." in printed.err
    answer = json.loads(printed.out)
    assert answer == {"model": str(tmp_path / "m"), "scores": zoo.load(tmp_path / "m").scores}
    with pytest.raises(SystemExit) as error:
        run("train", monkeypatch, "mlp_helpdesk", "training.epoch=2")
    assert error.value.code == 2
    assert "Did you mean 'epochs'?" in capsys.readouterr().err
