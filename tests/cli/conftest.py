"""Fixtures of the command line, which run `zoo` in this process."""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from zoo.cli.main import main
from zoo.objectives import build_model

TABLE = "text\tlabel\n" + "good film\tgood\nbad film\tbad\n" * 10


@dataclass
class CommandResult:
    """Exit status, standard output and standard error of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run `zoo` with some arguments, in an empty folder of its own, and return its `CommandResult`."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_info:
            main()
        return CommandResult(exit_info.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def data(cli):
    """The path of data.tsv, a table of twenty labelled texts."""
    Path("data.tsv").write_text(TABLE)
    return "data.tsv"


@pytest.fixture
def train(cli):
    """Run `zoo train` for one epoch of a tiny network, on `data`, with the model folder "model"."""
    tiny = ("architecture=averaging", "architecture.width=8", "training.epochs=1")
    return lambda data, *options: cli("train", "text_cnn_sst2", *tiny, "--data", data, "--to", "model", *options)


@pytest.fixture
def check_refused():
    """Check that `call` ends with status 2 and one line with all parts of `message`, and leaves no trace."""

    def check(message, call, *arguments, **options):
        before = sorted(Path().rglob("*"))
        result = call(*arguments, **options)
        assert (result.status, result.out) == (2, "")
        assert re.fullmatch(r"zoo: [^\n]*\n", result.err)
        assert re.search(".*".join(map(re.escape, message.split("..."))), result.err), result.err
        assert sorted(Path().rglob("*")) == before

    return check


@pytest.fixture(scope="session")
def pair_folder(tmp_path_factory):
    """The model folder of an untrained classifier of text pairs."""
    from zoo.architectures.averaging import Averaging
    from zoo.objectives.classify_text import ClassifyText
    from zoo.pipeline.pipeline import Pipeline
    from zoo.presets import Preset
    from zoo.tokenizers.words import Words

    tokenizer = Words().train(["a great film", "a dull film"])
    objective = ClassifyText(length=16, pair=True, labels=("same", "other"))
    architecture = Averaging(width=8, vocabulary=tokenizer.vocabulary_size)
    preset = Preset(architecture=architecture, objective=objective, tokenizer=Words())
    folder = tmp_path_factory.mktemp("models") / "pairs"
    folder.mkdir()
    Pipeline(build_model(objective, architecture), preset, tokenizer).save(folder)
    return folder
