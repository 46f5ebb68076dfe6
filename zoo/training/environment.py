"""What holds around a run: random seeds, the type that layers compute in, freed memory, what Ctrl-C does."""

import ctypes
import random
import signal
import sys
from contextlib import contextmanager, suppress

import keras

from zoo import backend
from zoo.runtime.console import console

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # parameters of mallopt(3)


def set_seed(number):
    """Seed all that draws. Keras's own `set_random_seed` would import TensorFlow on every backend."""
    random.seed(number)  # Keras's layers take their seeds from here
    backend.seed(number)


@contextmanager
def precision(policy):
    """Draw layers under a Keras dtype policy such as "mixed_bfloat16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def memory_kept():
    """Within the block glibc, where it is there, keeps freed memory for the next step.

    By itself it hands large arrays back to the system, which fills their pages with zeros when they are next asked for:
    of a step of torch on a CPU up to a third of the time. JAX and TensorFlow take as long either way.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(library, "mallopt", lambda parameter, value: 0)
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        mallopt(M_MMAP_MAX, 2**16)  # as it was
        mallopt(M_TRIM_THRESHOLD, 2**26)  # what glibc's own choice comes to after large arrays


@contextmanager
def until_interrupted(model, record):
    """The first Ctrl-C ends `fit` after the batch at hand; a second one ends the program."""

    def stop(number, frame):
        record.interrupted = model.stop_training = True
        signal.signal(signal.SIGINT, before)
        console.print("Ctrl-C: ending after this batch, then scoring and saving. Once more to end at once.")

    before = signal.getsignal(signal.SIGINT)
    with suppress(ValueError):  # not in the main thread, where no signal arrives either
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, before)
