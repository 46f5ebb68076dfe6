"""Available memory: the least of the machine's and the control group's; the memory of this process."""

import os
from pathlib import Path

import pytest

from zoo.runtime.free_memory import available_memory, process_memory

STATM = Path("/proc/self/statm")
MEMINFO = "MemTotal:       24000000 kB\nMemAvailable:    1000 kB\n"


@pytest.mark.parametrize(
    ("limit", "usage", "expected"),
    [("max", "5", 1_024_000), ("600000", "100000", 500_000), ("100", "200", 0), ("", "", 1_024_000)],
)
def test_available_memory(tmp_path, limit, usage, expected):
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{usage}\n")
    assert available_memory(tmp_path, tmp_path / "meminfo") == expected
    assert available_memory(tmp_path / "missing", tmp_path / "meminfo") == 1_024_000
    assert available_memory(tmp_path / "missing", tmp_path / "missing") is None


@pytest.mark.skipif(not STATM.exists(), reason="Linux says how much memory a process has")
def test_process_memory():
    resident = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident * 0.9 <= process_memory() < 100 * resident
