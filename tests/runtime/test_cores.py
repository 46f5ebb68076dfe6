"""Numbers of threads: they follow quotas of control groups, and never override what a user has set."""

import os

import pytest

from zoo.runtime.cores import THREADS, available_cores, limit_threads, wait_passively


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "99900000 100000\n"}, None),
        ({}, None),
    ],
)
def test_available_cores(tmp_path, files, cores):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_cores(tmp_path) == (cores or len(os.sched_getaffinity(0)))


def test_limit_threads():
    environment = {}
    limit_threads(environment, 4, 4)
    assert environment == {}
    limit_threads(environment, 1, 4)
    assert environment == dict.fromkeys(THREADS, "1")
    environment = {"OMP_NUM_THREADS": "3"}
    limit_threads(environment, 1, 4)
    assert environment == {"OMP_NUM_THREADS": "3"}


def test_threads_wait_passively_unless_the_user_says_otherwise():
    environment = {}
    wait_passively(environment)
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE"}
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_passively(environment)
    assert environment == {"OMP_WAIT_POLICY": "ACTIVE"}
