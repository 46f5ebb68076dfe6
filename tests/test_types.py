"""Types at the surface: a user's script is checked by pyright, and its mistakes are found.

`scripts/check.sh` checks the package itself.
"""

import subprocess
import sys
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parent.parent


def test_types_are_shipped():
    assert (Path(zoo.__file__).parent / "py.typed").is_file()


def test_a_users_script_is_type_checked():
    pytest.importorskip("basedpyright")
    command = [sys.executable, "-m", "basedpyright", "tests/user_script.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
