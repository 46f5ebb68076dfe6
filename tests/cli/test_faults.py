"""Faults at the command line: odd names of folders, files that are in use, and folders of killed processes."""

import shutil
from pathlib import Path

import pytest

from zoo.runtime.locks import lock_file

ENDED = 2**22 + 1  # above the largest number of a process on Linux


def test_clean_leaves_a_run_at_work(cli):
    for name in ("a.running", "b.running"):
        Path("models", name).mkdir(parents=True)
    Path(f"models/.c.{ENDED}.partial").mkdir()
    with lock_file(Path("models/.a.lock")):
        result = cli("clean", "models", "--yes")
    assert f"models/.c.{ENDED}.partial  (part of a killed process)" in result.out
    assert "Left as it is: models/a.running, which a training uses." in result.err
    assert [path.name for path in Path("models").iterdir()] == ["a.running"]


def test_clean_leaves_the_cache_of_a_training(cli):
    Path("models/.cache").mkdir(parents=True)
    with lock_file(Path("models/.new.lock")):
        result = cli("clean", "models", "--yes")
    assert (result.status, Path("models/.cache").is_dir()) == (0, True)
    assert "Left as it is: models/.cache, which a training uses." in result.err
    assert cli("clean", "models", "--yes").status == 0
    assert not Path("models/.cache").exists()


@pytest.mark.parametrize("name", ["1²", "²", "٣", "9" * 300])
def test_an_export_beside_a_folder_with_an_odd_number(cli, model_folder, monkeypatch, name):
    folder = shutil.copytree(model_folder, "model")
    try:
        Path(folder, name).mkdir()
    except OSError:
        pytest.skip("a name that this file system has not")
    monkeypatch.setattr("zoo.pipeline.pipeline.Pipeline.export", lambda self, to, *_, **__: to)
    assert cli("export", "model").out == "model/1\n"


def test_names_are_no_markup(cli, model_folder, data):
    folder = Path("x[/bold] :smile:")
    folder.mkdir(parents=True)
    shutil.copy(data, folder)
    result = cli("evaluate", model_folder, "--data", folder / "data.tsv")
    assert result.status == 0
    assert "x[/bold] :smile:/data.tsv" in result.out + result.err


def test_hidden_folders_are_not_offered(cli, model_folder, check_refused):
    for name in ("model", f".model.{ENDED}.partial", "model.running"):
        shutil.copytree(model_folder, name)
    check_refused(
        "mdel, which does not exist. Did you mean 'model'? Models beside it: model.", cli, "predict", "mdel", "x"
    )


def test_links_are_followed(cli, model_folder, data):
    Path("answers.jsonl").symlink_to("real.jsonl")
    Path("texts.txt").write_text("a great film\n")
    assert cli("predict", model_folder, "--file", "texts.txt", "--output", "answers.jsonl").status == 0
    assert Path("answers.jsonl").is_symlink()
    assert Path("real.jsonl").read_text()
