"""Memory: how much this machine, or the control group of this process, has left, and how much this process takes."""

import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def available_memory(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int | None:
    """Bytes that processes can still take: of the machine, and of the control group (Linux). None: unknown."""
    lines = dict(line.split(":", 1) for line in _read(meminfo).splitlines() if ":" in line)
    machine = lines.get("MemAvailable", "").removesuffix("kB").strip()
    limit, usage = _read(cgroup / "memory.max").strip(), _read(cgroup / "memory.current").strip()
    sizes = [int(machine) * 1024] if machine.isdigit() else []
    if limit.isdigit() and usage.isdigit():
        sizes.append(max(0, int(limit) - int(usage)))
    return min(sizes, default=None)


def process_memory() -> int | None:
    """Bytes, the most that this process has had in memory. None: unknown, on Windows."""
    try:
        import resource
    except ImportError:
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def _read(path):
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
