"""The environment of a run: the memory allocator."""

import subprocess
import sys

import pytest

CODE = """
import resource
from zoo.training.environment import keep_freed_memory

def faults():
    "Number of minor page faults in allocating and filling a temporary array of 64 MB."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(2**26)[:] = bytes(1) * 2**26
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with keep_freed_memory():
    faults()
    within = faults()
faults()
print(within, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is not glibc")
def test_freed_memory_is_kept_while_training():
    """In a process of its own: whether the heap can grow depends on what is mapped behind it."""
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    within, after = map(int, run.stdout.split())
    assert within < 20 < after
