"""CPU cores: as many threads as this process may use, where a quota or an affinity gives fewer than the machine has."""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
THREADS = (  # variables from which the frameworks read their number of threads when they start
    "OMP_NUM_THREADS",  # torch, and oneDNN
    "TF_NUM_INTRAOP_THREADS",  # TensorFlow
    "NPROC",  # XLA, and so JAX
)


def available_cores(cgroup: Path = CGROUP) -> int:
    """Number of cores that this process may use: by its CPU affinity, and by the quota of its control group (Linux)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in (_quota_v2(cgroup), _quota_v1(cgroup / "cpu")) if quota]
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas)]))


def limit_threads(environment: MutableMapping[str, str], cores: int, total: int) -> None:
    """Set the number of threads of the frameworks to `cores` where these are fewer than the `total` of the machine.

    More threads than cores wait for one another. Nothing is changed where the user has set one of `THREADS`.
    """
    if cores < total and not any(name in environment for name in THREADS):
        environment.update(dict.fromkeys(THREADS, str(cores)))


def wait_passively(environment: MutableMapping[str, str]) -> None:
    """Let OpenMP threads sleep while they wait, unless the user has set `OMP_WAIT_POLICY`.

    By default they spin, and where another process needs the core the thread that they wait for cannot run: an epoch of
    fine-tuning on torch took 41.6 s in place of 7.1 s beside four busy processes on 2 cores.
    """
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _quota_v2(folder):
    """Cores, of cpu.max, "200000 100000" or "max 100000"; None for no quota."""
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _quota_v1(folder):
    """Cores, of cpu.cfs_quota_us, in which -1 is no quota."""
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _read(path):
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
