"""The environment of a run: random seeds, dtype policy and memory allocator."""

import ctypes
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo import backend

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # parameters of mallopt(3)


def set_seed(seed: int) -> None:
    """Seed every random generator. (`keras.utils.set_random_seed` would import TensorFlow on every backend.)"""
    random.seed(seed)  # Keras's layers take their seeds from Python's generator
    backend.seed(seed)


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers under the Keras dtype policy `name`, such as "mixed_bfloat16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Memory allocator: glibc keeps freed memory for the next step, on systems that have glibc.

    By default glibc returns large arrays to the system, which fills their pages with zeros at the next allocation: up
    to a third of the time of a PyTorch step on a CPU. JAX and TensorFlow take as long either way.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(library, "mallopt", lambda parameter, value: 0)
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        mallopt(M_MMAP_MAX, 2**16)  # glibc's default
        mallopt(M_TRIM_THRESHOLD, 2**26)  # where glibc's dynamic threshold is after large arrays
