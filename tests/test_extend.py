"""The modules and commands of docs/extend.md work as written, in a folder outside of the package."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
WORDS = {"a wonderful lamp": 5, "a fine lamp": 4, "a dull lamp": 2, "a broken lamp": 1}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the modules of the page and its data."""
    folder = tmp_path_factory.mktemp("extend")
    for code in blocks("py"):
        if code.startswith("# "):
            (folder / code.partition("\n")[0].removeprefix("# ")).write_text(code, encoding="utf-8")
    rows = (
        f"[review {i} {stars}]\nreview = {text}\nstars = {stars}\n" for i in range(25) for text, stars in WORDS.items()
    )
    (folder / "reviews.ini").write_text("\n".join(rows), encoding="utf-8")
    return folder


def run(folder, *command):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def zoo(folder, command):
    return run(folder, sys.executable, "-m", *shlex.split(command))


@pytest.fixture(scope="module")
def outputs(folder):
    """{command of the page: what it printed}, run in order."""
    outputs = {}
    for command in blocks("sh")[0].splitlines():
        done = zoo(folder, command)
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"
        outputs[command] = done.stdout
    return outputs


def test_the_page_is_short():
    lengths = {code.partition("\n")[0]: len(code.splitlines()) for code in blocks("py")}
    assert lengths["# my_network.py"] <= 45
    assert lengths["# my_objective.py"] <= 85
    assert lengths["# my_reader.py"] <= 25


def test_every_command_runs(outputs):
    listed = next(text for command, text in outputs.items() if command.startswith("zoo list"))
    assert re.search(r"gated_conv +Gated convolutions \(Dauphin", listed)
    (error,) = (re.search(r"error (\S+)", text)[1] for command, text in outputs.items() if " evaluate " in command)
    assert float(error) < 0.5


def test_the_model_answers_in_python(folder, outputs):
    done = run(folder, sys.executable, "-c", next(code for code in blocks("py") if code.startswith("import my_zoo")))
    assert done.returncode == 0, done.stderr
    assert 4 < json.loads(done.stdout.replace("'", '"'))["number"] < 6


def test_a_folder_imports_nothing_by_itself(folder, outputs):
    done = zoo(folder, 'zoo predict saved_models/stars "a wonderful lamp"')
    assert done.returncode == 2
    assert re.fullmatch(
        r"zoo: saved_models/stars/preset.json cannot be read: Unknown architecture. Received: 'gated_conv'. .*"
        r"If it is your own, import the module that registers it \(--import MODULE\).\n",
        done.stderr,
    )


def test_mistakes_in_the_data_name_the_location(folder):
    good = (folder / "reviews.ini").read_text(encoding="utf-8")
    (folder / "bad.ini").write_text(f"{good}\n[last]\nreview = fine\nstars = many\n", encoding="utf-8")
    done = zoo(folder, "zoo train stars --import my_zoo --data bad.ini --to bad")
    columns, mistake = done.stderr.splitlines()
    assert columns.startswith("Columns as in the preset: label from 'stars', text from 'review'.")
    assert (done.returncode, mistake) == (
        2,
        "zoo: Expected a number at bad.ini section last. Received: label='many'.",
    )


def test_the_exported_model_answers_as_python_does(folder, outputs):
    code = (
        "import json, sys, tensorflow as tf\n"
        "serve = tf.saved_model.load('saved_models/stars/1').signatures['serving_default']\n"
        "print(json.dumps(serve(text=tf.constant(sys.argv[1:]))['number'].numpy().tolist()))"
    )
    done = run(folder, sys.executable, "-c", code, *WORDS)
    assert done.returncode == 0, done.stderr
    exported = json.loads(done.stdout)
    command = " ".join(map(shlex.quote, WORDS))
    answers = zoo(folder, f"zoo predict saved_models/stars --import my_zoo --json {command}").stdout.splitlines()
    assert [json.loads(line)["number"] for line in answers] == pytest.approx(exported, abs=1e-4)
