"""README is true: its tables and tree are what the code says, its commands and its Python run."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def generator():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "scripts" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date():
    assert generator().updated(README) == README, "run python scripts/readme.py"


def test_every_python_file_says_what_it_is():
    silent = [path for path in (ROOT / "zoo").rglob("*.py") if path.read_text().strip() and not generator().about(path)]
    assert silent == []


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="README's Python ends in TensorFlow: run on it once")
def test_python_runs_as_written(tmp_path):
    code = "\n".join(text for language, text in BLOCKS if language == "python")
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.skipif(keras.config.backend() != "jax", reason="the commands are the same on every backend: run once")
def test_commands_run_as_written(tmp_path):
    lines = [line.partition("   #")[0] for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
    commands = [line for line in lines if line.startswith("zoo ") and "FOLDER" not in line]
    assert len(commands) >= 5
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands:
        run = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{command}: {run.stderr[-2000:]}"


def test_the_two_commands_are_named_and_there():
    for script in ("scripts/quickstart.sh", "scripts/check.sh"):
        assert f"bash {script}" in README
        assert os.access(ROOT / script, os.X_OK)
