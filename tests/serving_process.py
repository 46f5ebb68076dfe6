"""`zoo serve` as a process, for the tests of serving."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving_models import wait_until

ROOT = Path(__file__).parent.parent


@contextmanager
def zoo_serve(*arguments, code="from zoo.cli.main import main; main()"):
    """A process of `zoo serve` and the list to which its lines on standard error are added."""
    command = [sys.executable, "-c", code, "serve", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")))
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


def url_of(process, lines):
    """The URL that a server prints when it is ready."""
    wait_until(lambda: any(line.startswith("Operation: ") for line in lines) or process.poll() is not None, 60)
    (line,) = [line for line in lines if line.startswith("Operation: ")] or pytest.fail("".join(lines))
    return re.search(r"(http://\S+)/readyz", line)[1]
