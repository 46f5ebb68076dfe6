"""`zoo chat`: a conversation through a pipe, and with a person who presses Ctrl-C."""

import json
import os
import pty
import select
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo.architectures.gpt2 import GPT2
from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.tokenizers.bytes import Bytes

# `python -m zoo` that handles Ctrl-C even where these tests run as a background job of a shell
CODE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("zoo", run_name="__main__")
"""


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory):
    """The folder of an untrained model whose answers are long: the end token is unlikely."""
    tokenizer = Bytes().train()
    objective = FollowInstructions(length=96, max_new_tokens=20)
    architecture = GPT2(width=16, depth=1, heads=2, hidden=32, length=96, vocabulary=tokenizer.vocabulary_size)
    folder = tmp_path_factory.mktemp("models") / "chat_model"
    folder.mkdir()
    preset = Preset(architecture=architecture, objective=objective, tokenizer=Bytes())
    model = build_model(objective, architecture)
    embedding, (gamma, beta) = model.get_layer("embedding").embeddings, model.get_layer("norm").weights
    gamma.assign(0.1 * np.ones(16))
    beta.assign(np.ones(16))  # the features of all tokens are near 1, far from the end token's embedding, -1
    vectors = np.abs(keras.ops.convert_to_numpy(embedding))
    vectors[[tokenizer.padding, tokenizer.end]] = -1.0
    embedding.assign(vectors)
    Pipeline(model, preset, tokenizer).save(folder)
    return folder


def test_a_pipe(cli, chat_model):
    lines = b"Hello\n\n  Where is it?\nAnd now the third\nAnd the last of them"
    options = ("--system", "Kind.", "--temperature", 0.7)
    result = cli("chat", chat_model, *options, "--json", stdin=lines)
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [item["instruction"] for item in answers] == [
        "Hello", "Where is it?", "And now the third", "And the last of them"
    ]  # fmt: skip
    assert answers[0]["dropped_turns"] == 0
    assert answers[-1]["dropped_turns"] > 0
    assert "(Prompts have at most 76 tokens: the oldest turns" in result.err
    chat = load(chat_model).chat("Kind.", temperature=0.7)
    assert [chat.say(item["instruction"]) for item in answers] == [item["text"] for item in answers]
    plain = cli("chat", chat_model, *options, stdin=lines)
    assert plain.status == 0
    assert plain.out == "".join(item["text"] + "\n" for item in answers)


@pytest.mark.parametrize(
    ("options", "stdin", "message"),
    [
        ([], b"a" * 200, "Expected a text of at most 76 tokens, the template's included. Received: 2"),
        (["--max-new-tokens", 96], b"a", "--max-new-tokens must leave room for a question in the context of 96 tokens"),
        (["--top-k", 5], b"a", "--top-k needs a temperature"),
        (["--contrastive-alpha", 0.5], b"a", "--contrastive-alpha needs --top-k"),
    ],
)
def test_mistakes(cli, chat_model, options, stdin, message):
    result = cli("chat", chat_model, *options, stdin=stdin)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_model_that_classifies_is_refused(cli, model_folder):
    result = cli("chat", model_folder, stdin=b"Hello")
    assert result.status == 2
    assert "Expected a model that follows instructions, to chat with. Received: one of ClassifyText" in result.err


def read_to_prompt(stream):
    """Read a stream up to the next prompt "> "; fails after two minutes without output."""
    output, poll = b"", select.poll()  # select.select is limited to 1,024 open files
    poll.register(stream, select.POLLIN)
    while not output.endswith(b"> "):
        assert poll.poll(120_000), output
        byte = stream.read(1)
        assert byte, output
        output += byte
    return output


@pytest.fixture
def terminal():
    """A pseudo-terminal: file descriptors of the controlling end and of the end for the process."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def conversation(chat_model, terminal):
    """A process of `zoo chat` whose standard input is the pseudo-terminal."""
    run = subprocess.Popen(
        [sys.executable, "-c", CODE, "chat", str(chat_model), "--max-new-tokens", "70"],
        stdin=terminal[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        bufsize=0,  # a buffer of `read` would be lost to `communicate`
    )
    yield run
    run.kill()
    run.communicate()


def test_a_person(conversation, terminal):
    """Ctrl-C ends an answer or an input line, a turn that is too long is refused, Ctrl-D ends the conversation."""
    run, (keyboard, _) = conversation, terminal
    messages = read_to_prompt(run.stderr)
    run.send_signal(signal.SIGINT)
    messages += read_to_prompt(run.stderr)
    os.write(keyboard, b"Hi\n")
    first = run.stdout.read(1)
    run.send_signal(signal.SIGINT)
    after_interrupt = read_to_prompt(run.stderr)
    late = b"(Ended by Ctrl-C" not in after_interrupt  # the answer was complete: Ctrl-C interrupted the prompt
    if late:
        after_interrupt += read_to_prompt(run.stderr)
    os.write(keyboard, b"a" * 200 + b"\nHo\n\x04")
    out, err = run.communicate(timeout=120)
    err = (messages + after_interrupt + err).decode()
    assert first
    assert run.returncode == 0, err
    assert err.count("> ") == 5 + late
    assert "zoo: Expected a text of at most 26 tokens" in err
    assert "Traceback" not in err
    assert (first + out).decode().count("\n") >= 2
