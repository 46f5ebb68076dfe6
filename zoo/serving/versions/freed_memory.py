"""Memory of dropped models: returned to the system, without pauses of the garbage collector."""

import ctypes
import gc
import sys


def exempt_from_collection() -> None:
    """Exempt all objects of this moment, TensorFlow's modules, from garbage collection.

    A full collection else stops every thread for 0.5 s.
    """
    gc.collect()
    gc.freeze()


def return_memory() -> None:
    """Return freed memory to the system: glibc keeps what TensorFlow has freed."""
    gc.collect()
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):  # another C library
            return
