"""Every mistake in the arguments of `zoo` is one line that names the nearest legal thing."""

import subprocess
import sys
from pathlib import Path

import pytest

from zoo import catalog
from zoo.cli import main as module
from zoo.cli import model_commands
from zoo.cli.main import INTERRUPTED
from zoo.pipeline import pipeline


def test_unknown_names(cli, check_refused):
    check_refused(
        "'text_cnn_sts2'. Did you mean 'text_cnn_sst2'? zoo list presets shows all", cli, "train", "text_cnn_sts2"
    )
    check_refused("'preset'. Did you mean 'presets'? Known: ", cli, "list", "preset")
    check_refused("No such command 'trian'. Did you mean 'train'? (see zoo --help)", cli, "trian")
    check_refused("No such option: --jsn...--json", cli, "list", "--jsn")
    check_refused("Missing argument 'preset'. (see zoo train --help)", cli, "train")
    check_refused("'--to' requires an argument", cli, "train", "--to")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epoch=2", "Unknown field 'training.epoch'. Received: 'epoch'. Did you mean 'epochs'?"),
        ("trainng.epochs=2", "Received: 'trainng'. Did you mean 'training'?"),
        ("training.epochs.more=2", "goes too deep: 'epochs' is a value"),
        ("training=2", "Expected a field of training, as in training.FIELD=value"),
        ("nonsense", "Expected path.to.field=value. Received: 'nonsense'"),
        ("training.epochs=two", "Expected a whole number for training.epochs. Received: 'two'"),
        ("objective.pair=maybe", "Expected true or false for objective.pair. Received: 'maybe'"),
        ("architecture=lsmt", "'lsmt'. Did you mean 'lstm'?"),
        ("training.epochs=0", "Expected training.epochs to be 1 or more. Received: 0."),
        ("training.learning_rate=nan", "Expected training.learning_rate to be 0 or more. Received: nan."),
        ("training.warmup=2", "Expected training.warmup to be below 1. Received: 2.0."),
        ("training.schedule=cosin", "one of linear, cosine, constant. Received: 'cosin'. Did you mean 'cosine'?"),
        ("training.precision=float17", "'float17'. Did you mean 'float32'?"),
        ("architecture.width=0", "Cannot build the network with these settings:...Averaging(...width=0"),
        ("architecture.dropout=2", "Cannot build the network with these settings:...rate=2"),
        ("objective.length=1", "length must be at least 2, for the special tokens. Received: length=1"),
        ("tokenizer.vocabulary=3", "vocabulary of at least 6. Received: vocabulary=3"),
    ],
)
def test_settings(train, check_refused, setting, message, data):
    check_refused(message, train, data, setting)


def test_the_folder_of_a_model(train, check_refused, data):
    Path("things").mkdir()
    Path("things/diary.txt").touch()
    check_refused("things, which holds diary.txt", train, data, "--to", "things")
    check_refused("which holds data.tsv, things", train, data, "--to", ".")
    check_refused("data.tsv, which is a file", train, data, "--to", "data.tsv")
    check_refused("Not a directory (data.tsv/", train, data, "--to", "data.tsv/model")


def test_a_folder_that_cannot_be_written_to(train, check_refused, monkeypatch, data):
    def forbidden(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    check_refused("Permission denied (.cache). Change its permissions", train, data)


def test_unfinished_runs(train, check_refused, data):
    check_refused("unfinished run in model.running to resume. Received: no such run", train, data, "--resume")
    Path("model.running").mkdir()
    check_refused("model.running holds an unfinished run...--resume...--restart", train, data)
    Path("model.running/preset.json").write_text('{"format": 1')
    check_refused("model.running/preset.json cannot be read...--restart", train, data, "--resume")


def test_a_full_disk_at_the_end_of_a_run(train, monkeypatch, data):
    def full(self, folder):
        (folder / "model.keras").write_text("half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.Pipeline, "save", full)
        result = train(data)
    assert (result.status, result.out) == (2, "")
    line = "zoo: No space left on device (model). Free some space on its disk, then try again."
    assert result.err.splitlines()[-1] == line
    assert sorted(path.name for path in Path().iterdir()) == [".cache", "data.tsv", "model.running"]
    assert train(data, "--resume").status == 0
    assert sorted(path.name for path in Path().iterdir()) == [".cache", "data.tsv", "model"]


def test_ctrl_c(cli, monkeypatch):
    def press():
        raise KeyboardInterrupt

    monkeypatch.setattr(model_commands, "start", press)
    result = cli("train", "mlp_helpdesk")
    assert result.status == INTERRUPTED == 130
    assert result.err == "Ended by Ctrl-C. Continue an unfinished run with --resume.\n"
    assert cli("evaluate", "model").err == "Ended by Ctrl-C.\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    """Where a ValueError comes from does not matter: only a UserError is the user's."""
    monkeypatch.setattr(catalog, "names", lambda kind: int("a fault"))
    monkeypatch.setattr("sys.argv", ["zoo", "list"])
    with pytest.raises(ValueError, match="invalid literal"):
        module.main()
    command = "import zoo.catalog, zoo.cli.main\ndef bug(kind): raise ValueError('a bug')\n"
    command += "zoo.catalog.names = bug\nzoo.cli.main.main()"
    done = subprocess.run([sys.executable, "-c", command, "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: a bug\n")
