"""A model folder that is missing, incomplete, broken or of another version is one line that names the file."""

import json
import shutil
from pathlib import Path

import keras
import pytest

from zoo.export import saved_model
from zoo.pipeline.pipeline import Pipeline


@pytest.fixture
def copy(cli, model_folder):
    """A copy of a model folder to damage."""
    return Path(shutil.copytree(model_folder, "copy"))


def test_a_folder_that_is_not_there(cli, copy, check_refused):
    check_refused(
        "Received: cpy, which does not exist. Did you mean 'copy'? Models beside it: copy.", cli, "predict", "cpy", "x"
    )
    check_refused("Received: copy/model.keras, which is a file", cli, "evaluate", "copy/model.keras")
    Path("late.running").mkdir()
    check_refused("late, which does not exist. Its run did not end: finish it by zoo train", cli, "export", "late")


@pytest.mark.parametrize("name", ["model.keras", "tokenizer.json", "preset.json"])
def test_a_file_that_is_missing_or_truncated(cli, copy, check_refused, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    check_refused(f"copy/{name} cannot be read: ...copy the whole folder again", cli, "predict", "copy", "x")
    (copy / name).unlink()
    check_refused(f"in copy. Received: a folder without {name}.", cli, "predict", "copy", "x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": 2', '"format": 1', "Expected preset format 2. Received: 1, written by zoo 0.1.0. Train"),
        ('"averaging"', '"averagin"', "Unknown architecture. Received: 'averagin'. Did you mean 'averaging'?"),
        ('"width"', '"wdth"', "Unknown field of architecture. Received: 'wdth'. Did you mean 'width'?"),
    ],
)
def test_a_preset_of_another_version(cli, copy, check_refused, old, new, message):
    path = copy / "preset.json"
    path.write_text(path.read_text().replace(old, new, 1))
    check_refused(f"copy/preset.json cannot be read: {message}", cli, "predict", "copy", "x")


def test_a_damaged_byte_in_the_weights(cli, copy, check_refused):
    content = bytearray((copy / "model.keras").read_bytes())
    content[len(content) // 2] ^= 255
    (copy / "model.keras").write_bytes(content)
    check_refused("copy/model.keras cannot be read: Bad CRC-32", cli, "predict", "copy", "x")


def test_files_of_two_models(cli, copy, pair_folder, check_refused):
    shutil.copy(pair_folder / "tokenizer.json", copy)
    check_refused("The files in copy are of different models", cli, "predict", "copy", "x")


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="exports there without writing a model folder first")
def test_a_full_disk_while_a_model_is_written(cli, copy, monkeypatch, check_refused):
    def full(self, folder):
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(Pipeline, "save", full)
    check_refused("No space left on device (copy/1). Free some space", cli, "export", "copy")


def test_a_full_disk_while_an_export_is_written(cli, copy, monkeypatch, check_refused):
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        def full(server, folder, **options):
            Path(folder, "variables").mkdir()
            raise tf.errors.ResourceExhaustedError(None, None, f"{folder}/variables; No space left on device")

        monkeypatch.setattr(tf.saved_model, "save", full)
    else:
        line = "TensorFlow cannot write copy/1: No space left on device."
        command = [saved_model.sys.executable, "-c", f"import sys; sys.stderr.write('noise\\n{line}'); sys.exit(2)"]
        run = saved_model.subprocess.run
        monkeypatch.setattr(saved_model.subprocess, "run", lambda _, **options: run(command, **options))
    check_refused("TensorFlow cannot write copy/1: No space left on device.", cli, "export", "copy")


def test_an_export_into_a_folder_that_exists(cli, copy, check_refused):
    check_refused("a new folder to export to. Received: copy, which exists.", cli, "export", "copy", "--to", "copy")


def test_exports_are_numbered(cli, copy, monkeypatch):
    monkeypatch.setattr(Pipeline, "export", lambda self, folder, *_, **__: folder.mkdir() or folder)
    printed = [cli("export", "copy").out for _ in range(2)]
    (copy / "17").mkdir()
    (copy / "20a").mkdir()
    assert [*printed, cli("export", "copy").out] == ["copy/1\n", "copy/2\n", "copy/18\n"]


def test_training_again_removes_what_was_exported_only_with_force(train, data):
    assert train(data).status == 0
    Path("model/1").mkdir()
    Path("model/1/saved_model.pb").touch()
    assert "model holds a model: replace it (--force)" in train(data).err
    assert Path("model/1/saved_model.pb").is_file()
    assert "Removed with the model that was replaced: 1." in train(data, "--force").err
    assert not Path("model/1").exists()
    assert json.loads(Path("model/scores.json").read_text())
