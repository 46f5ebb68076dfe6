"""`zoo serve` as a process, for the tests of serving."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from serving_models import wait_until

ROOT = Path(__file__).parent.parent


@contextmanager
def zoo_serve(*arguments, code="from zoo.cli.main import main; main()", warnings="error"):
    """A process of `zoo serve` and the list to which its lines on standard error are added.

    It is killed at the end, with all processes that it started.
    """
    command = [sys.executable, "-c", code, "serve", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": warnings}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")))
    reader.start()
    try:
        yield process, lines
    finally:
        processes = descendants(process.pid)
        process.kill()
        for number in processes:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait()
        reader.join()
        process.stderr.close()


def url_of(process, lines, start="Operation: ", seconds=60):
    """The URL in a line that a server prints when it is ready."""
    wait_until(lambda: any(line.startswith(start) for line in lines) or process.poll() is not None, seconds)
    (line,) = [line for line in lines if line.startswith(start)] or pytest.fail("".join(lines))
    return re.search(r"http://[^/\s]+", line)[0]


def descendants(number):
    """{process: its command line} of all processes that a process has started, directly or not."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(re.search(r"^PPid:\s*(\d+)", (folder / "status").read_text(), re.M)[1])
            commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:  # it has ended
            continue
    result, queue = {}, [number]
    while queue:
        parent = queue.pop()
        children = [child for child in parents if parents[child] == parent]
        result |= {child: commands.get(child, "") for child in children}
        queue += children
    return result
