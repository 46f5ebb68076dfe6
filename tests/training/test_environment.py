"""The environment of a run: the memory allocator."""

import resource
import sys

import pytest

from zoo.training.environment import keep_freed_memory

SIZE = 64 * 2**20


def faults():
    """Number of minor page faults in allocating and filling a temporary array."""
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
