"""`zoo generate`: texts, streams and JSON lines; mistakes in one line."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from zoo.generation.text_generator import TextGenerator
from zoo.objectives.next_token import NextToken
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.characters import Characters


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """The model folder of a character language model, trained a little on one sentence."""
    from zoo.architectures.gpt2 import GPT2

    folder = tmp_path_factory.mktemp("models")
    (folder / "text.txt").write_text("the cat sat on the mat and the dog on the log\n" * 40)
    preset = Preset(
        architecture=GPT2(width=16, depth=1, heads=2, hidden=32, length=96),
        objective=NextToken(length=32),
        tokenizer=Characters(),
        data=Data(spec=str(folder / "text.txt")),
        training=Training(epochs=1, batch_size=8, learning_rate=1e-2),
    )
    zoo.train(preset, to=folder / "model")
    return folder / "model"


def test_text_stream_and_json_are_the_same(cli, language):
    options = ("the cat", "--max-new-tokens", 20, "--temperature", 0.8, "--seed", 4)
    text = cli("generate", language, *options).out
    assert cli("generate", language, *options, "--stream").out == text
    result = json.loads(cli("generate", language, *options, "--json").out)
    assert result["continuation"] + "\n" == text
    assert result["text"] == "the cat"
    assert result["tokens"] == 20
    assert result["finish_reason"] == "length"
    assert result["logprob"] < 0
    assert zoo.load(language).generate("the cat", max_new_tokens=20, temperature=0.8, seed=4) + "\n" == text


def test_a_draft_and_quantized_weights(cli, language):
    options = ("generate", language, "the cat", "--max-new-tokens", 20)
    text = cli(*options).out
    assert cli(*options, "--draft", language).out == text
    assert len(cli(*options, "--quantize", "int8").out) == len(text)


def test_contrastive_search(cli, language):
    options = ("generate", language, "the cat", "--max-new-tokens", 20, "--top-k", 4, "--contrastive-alpha", 0.8)
    text = cli(*options).out
    assert cli(*options, "--stream").out == text
    assert zoo.load(language).generate("the cat", max_new_tokens=20, top_k=4, contrastive_alpha=0.8) + "\n" == text


def test_lines_of_standard_input_and_beams(cli, language):
    out = cli(
        "generate", language, "--max-new-tokens", 5, "--beams", 3, "--return-sequences", 2, stdin=b"the\non the\n"
    ).out
    assert len(out.splitlines()) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["the", "--max-new-tokens", 0], "--max-new-tokens must be at least 1. Received: --max-new-tokens 0."),
        (["the", "--top-k", 5], "--top-k needs a temperature"),
        (["the", "--contrastive-alpha", 0.6], "--contrastive-alpha needs --top-k, the number of candidates"),
        (["the", "--stop", ""], "Texts of stop must have at least one character"),
        (["the" * 40, "--max-new-tokens", 10], "34 too many, in prompt 0. --truncation-side left cuts"),
        ([""], "prompt 0 is empty"),
        (["the", "--stream", "--json"], "Expected --stream or --json, not both."),
        (["the", "--stream", "--output", "x"], "Expected --stream or --output, not both."),
        (["the", "--logprobs"], "Expected --json or --output beside --logprobs."),
        (["the", "--max-new-tokens", -3], "--max-new-tokens must be at least 1"),
        (["the", "--beams", 0], "beams must be at least 1"),
        (["the", "--beams", 2, "--stream"], "A beam search cannot be streamed. Received: --beams 2."),
        (["the", "--beams", 2, "--temperature", 1], "Beam search does not sample"),
        (["the", "--min-tokens", 9, "--max-new-tokens", 5], "--min-tokens must be at most --max-new-tokens"),
        (["the", "--truncation-side", "right"], "--truncation-side must be 'left' or ''"),
        (["the", "--bad-word", ""], "Texts of bad_words must have at least one character"),
        (["the", "--choice", ""], "Texts of choices must have at least one character"),
        (["the", "--choice", "cat", "--regex", "c.*"], "Expected one of choices, regex and --json-schema."),
        (["the", "--choice", "cat", "--stop", "a"], "A constrained text ends by itself: leave stop out."),
        (["the", "--choice", "Zebra"], "Expected choices that this model's tokens can spell."),
        (["the", "--regex", "(t"], "Expected a regular expression that some text matches as a whole"),
        (["the", "--json-schema", "nowhere.json"], "No such file or directory (nowhere.json)"),
        (["the", "--output", "nowhere/x"], "No such file or directory (nowhere/x"),
    ],
)
def test_mistakes(cli, language, options, message):
    result = cli("generate", language, *options)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1


def test_the_beginning_of_a_long_prompt_may_be_cut(cli, language):
    options = ("--max-new-tokens", 10, "--truncation-side", "left")
    long = "the cat sat on the mat " * 9
    assert cli("generate", language, long, *options).out == cli("generate", language, long[-86:], *options).out


def test_defaults_fit_the_context_and_long_texts_slide(cli, language):
    prompt = "the cat sat on the mat and the dog on the log " * 2  # 92 of the 96 tokens of the context
    fits = json.loads(cli("generate", language, prompt, "--json").out)
    assert (fits["tokens"], fits["finish_reason"]) == (4, "length")
    long = json.loads(
        cli("generate", language, "the", "--max-new-tokens", 250, "--truncation-side", "left", "--json").out
    )
    assert (long["tokens"], len(long["continuation"])) == (250, 250)
    result = cli("generate", language, prompt * 2)
    assert (result.status, result.err.count("--truncation-side left cuts the prompt")) == (2, 1)


@pytest.mark.parametrize("options", [[], ["--stream"], ["--choice", "the"], ["--output", "x"]])
def test_a_model_that_answers_is_refused(cli, model_folder, options):
    result = cli("generate", model_folder, "text", *options)
    assert result.status == 2
    assert "Expected a model that generates text. Received: one of ClassifyText" in result.err


def test_ctrl_c_ends_a_stream_within_a_text(language, tmp_path):
    command = [sys.executable, "-m", "zoo", "generate", str(language), "the", "--stream", "--max-new-tokens", "90"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    run = subprocess.Popen(command, **pipes, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    first = run.stdout.read(1)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert first
    if run.returncode:  # 0: it ended before Ctrl-C
        assert run.returncode == 130
        assert err.decode().endswith("Ended by Ctrl-C.\n")
        assert len((first + out).decode()) < 91


def test_a_text_is_as_it_must_be(cli, language, tmp_path):
    result = cli("generate", language, "the cat", "--choice", "the mat", "--choice", "the dog").out
    assert result in ("the mat\n", "the dog\n")
    result = cli("generate", language, "the cat", "on", "--regex", "(cat|dog)( on the (mat|log))?", "--temperature", 1)
    assert all(re.fullmatch("(cat|dog)( on the (mat|log))?", line) for line in result.out.splitlines())
    (tmp_path / "schema.json").write_text('{"enum": [null]}')
    result = cli("generate", language, "the", "--json-schema", "schema.json")
    assert (result.status, result.out) == (2, "")  # the model's tokens have no u
    assert "Expected a constraint that this model's tokens can fulfil." in result.err


def test_logprobs_are_those_of_the_tokens(cli, language):
    result = json.loads(cli("generate", language, "the cat", "--max-new-tokens", 6, "--json", "--logprobs").out)
    assert "".join(piece for piece, _ in result["logprobs"]) == result["continuation"]
    assert sum(score for _, score in result["logprobs"]) == pytest.approx(result["logprob"])
    assert len(result["logprobs"]) == result["tokens"] == 6


PROMPTS = [f"{'the cat on the mat '[: 3 + i % 11]}" for i in range(70)]


@pytest.fixture
def prompts(cli):
    Path("prompts.txt").write_text("\n".join(PROMPTS) + "\n")
    return "--file", "prompts.txt", "--max-new-tokens", 4


def test_a_file_of_prompts_becomes_a_file_in_their_order(cli, language, prompts):
    result = cli("generate", language, *prompts, "--output", "output.jsonl")
    assert (result.status, result.out) == (0, "")
    result = [json.loads(line) for line in Path("output.jsonl").read_text().splitlines()]
    assert [item["text"] for item in result] == PROMPTS
    printed = cli("generate", language, *prompts, "--json").out.splitlines()
    assert [json.loads(line)["continuation"] for line in printed] == [item["continuation"] for item in result]
    second = cli("generate", language, *prompts, "--output", "output.jsonl")
    assert second.status == 2
    assert "Expected the path of a new file. Received: output.jsonl, which exists." in second.err
    assert sorted(path.name for path in Path().iterdir()) == ["output.jsonl", "prompts.txt"]


def test_a_run_that_was_killed_goes_on(cli, language, prompts, monkeypatch):
    """The partial file is cut at several sizes: complete, within a line, within the first line, empty."""
    options = (*prompts, "--temperature", 1.0, "--output")
    monkeypatch.setattr("zoo.generation.resumable.max_rows", lambda: 32)
    cli("generate", language, *options, "whole.jsonl")
    partial, times = Path("output.jsonl.partial"), []

    def interrupted(generator, records, should_stop, repeats):
        times.append(len(records))
        if len(times) == 3:
            raise KeyboardInterrupt
        return generate(generator, records, should_stop, repeats)

    generate = TextGenerator.generate
    monkeypatch.setattr(TextGenerator, "generate", interrupted)
    assert cli("generate", language, *options, "output.jsonl").status == 130
    full = partial.read_bytes()
    assert full.count(b"\n") == 3  # the description of the run, and two batches
    other = cli("generate", language, *options, "output.jsonl", "--seed", 2)
    assert other.status == 2
    assert "Expected the options and inputs of the run that began output.jsonl.partial." in other.err
    for size in (len(full), len(full) - 1, 70, 0):
        partial.write_bytes(full[:size])
        times[:] = [0] * 9
        assert cli("generate", language, *options, "output.jsonl").status == 0
        assert len(times) - 9 == 3 - max(full[:size].count(b"\n") - 1, 0)
        assert Path("output.jsonl").read_text() == Path("whole.jsonl").read_text()
        assert not partial.exists()
        Path("output.jsonl").unlink()


def test_ctrl_c_in_a_long_run_keeps_what_is_done(language, tmp_path):
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS * 20) + "\n")
    command = [sys.executable, "-m", "zoo", "generate", str(language), "--file", "prompts.txt"]
    run = subprocess.Popen([*command, "--output", "output.jsonl"], cwd=tmp_path, stderr=subprocess.PIPE)
    partial = tmp_path / "output.jsonl.partial"
    while run.poll() is None and not (partial.exists() and partial.read_bytes().count(b"\n") > 1):
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 130
    assert "of 1400 texts are in" in err.decode()
    assert err.decode().endswith("Ended by Ctrl-C.\n")
    assert not (tmp_path / "output.jsonl").exists()
