"""`zoo generate`: texts, streams and JSON lines; mistakes in one line."""

import json
import os
import signal
import subprocess
import sys

import pytest

import zoo
from zoo.objectives.next_token import NextToken
from zoo.preset import Data, Preset, Training
from zoo.tokenizers.characters import Characters


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """A folder with a character model that has learned one sentence by heart, a little."""
    from zoo.architectures.gpt2 import GPT2

    folder = tmp_path_factory.mktemp("models")
    (folder / "text.txt").write_text("the cat sat on the mat and the dog on the log\n" * 40)
    preset = Preset(
        architecture=GPT2(width=16, depth=1, heads=2, hidden=32, length=96),
        objective=NextToken(length=32),
        tokenizer=Characters(),
        data=Data(spec=str(folder / "text.txt")),
        training=Training(epochs=1, batch=8, learning_rate=1e-2),
    )
    zoo.train(preset, to=folder / "model")
    return folder / "model"


def test_text_stream_and_json_are_the_same(cli, language):
    options = ("the cat", "--new-tokens", 20, "--temperature", 0.8, "--seed", 4)
    text = cli("generate", language, *options).out
    assert cli("generate", language, *options, "--stream").out == text
    found = json.loads(cli("generate", language, *options, "--json").out)
    assert found["continuation"] + "\n" == text
    assert found["text"] == "the cat"
    assert found["tokens"] == 20
    assert found["log_probability"] < 0
    assert zoo.load(language).generate("the cat", new_tokens=20, temperature=0.8, seed=4) + "\n" == text


def test_lines_of_standard_input_and_beams(cli, language):
    out = cli("generate", language, "--new-tokens", 5, "--beams", 3, "--best", 2, stdin=b"the\non the\n").out
    assert len(out.splitlines()) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["the", "--new-tokens", 0], "new_tokens must be at least 1"),
        (["the", "--top-k", 5], "top_k needs a temperature"),
        (["the", "--stop", ""], "Texts of stop must have a character"),
        (["the" * 40, "--new-tokens", 10], "34 too many, in prompt 0"),
        ([""], "prompt 0 is empty"),
        (["the", "--stream", "--json"], "Expected --stream or --json, not both."),
    ],
)
def test_mistakes(cli, language, options, message):
    ended = cli("generate", language, *options)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_a_model_that_answers_is_refused(cli, model_folder):
    ended = cli("generate", model_folder, "text")
    assert ended.status == 2
    assert "Expected a model that writes text. Received: one of ClassifyText" in ended.err


def test_ctrl_c_shows_what_there_is(language, tmp_path):
    command = [sys.executable, "-m", "zoo.cli", "generate", str(language), "the", "--stream", "--new-tokens", "90"]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    first = run.stdout.read(1)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert first
    if run.returncode:  # else it was done before
        assert run.returncode == 130
        assert err.decode().endswith("Ended by Ctrl-C.\n")
        assert len((first + out).decode()) < 91
