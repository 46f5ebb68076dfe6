"""The export's TensorFlow process ends with the process that started it, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from zoo.export.export_options import ExportOptions
from zoo.export.saved_model import END_WITH_INPUT, _trace_in_subprocess


def test_it_ends_with_its_input(model_folder, tmp_path):
    command = [sys.executable, "-m", "zoo.export", END_WITH_INPUT, str(model_folder), str(tmp_path / "1")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    assert process.poll() is None
    process.communicate(timeout=60)  # closes its input
    assert process.returncode == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_the_message_says_how_it_ended(model_folder, tmp_path, monkeypatch):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(RuntimeError, match="a TensorFlow process failed: SIGKILL, perhaps for lack of memory"):
        _trace_in_subprocess(model_folder, tmp_path / "1", ExportOptions(), [])


def children(process):
    """Numbers of the processes whose parent is `process`."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc lists the children of a process on Linux")
def test_kill_9_of_an_export(model_folder, tmp_path):
    script = "import sys, zoo\nprint(zoo.load(sys.argv[1]).export(sys.argv[2]))"
    command = [sys.executable, "-c", script, str(model_folder), str(tmp_path / "1")]
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (pids := children(process.pid)):
        time.sleep(0.05)
    assert pids
    process.kill()
    process.wait()
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not (tmp_path / "1").exists()
    zoo.load(model_folder).export(tmp_path / "1")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
