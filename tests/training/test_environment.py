"""What holds around a run."""

import resource
import sys

import pytest

from zoo.training.environment import keep_freed_memory

SIZE = 64 * 2**20


def faults():
    """Pages that were asked of the system for an array, which is thrown away."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(SIZE)[:] = bytes(1) * SIZE
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is not glibc")
def test_freed_memory_is_kept_while_training():
    with keep_freed_memory():
        faults()
        page_faults = faults()
    faults()
    assert page_faults < 20 < faults()
