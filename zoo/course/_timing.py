"""Time of a function: the shortest of several calls."""

import time
from collections.abc import Callable
from typing import Any

import keras


def shortest_ms(function: Callable[[], Any], repeats: int) -> float:
    """The shortest time of a call, in milliseconds, after one call that compiles and is not counted.

    The shortest, because other processes of the machine only ever add time.

    Args:
        function: returns an array of the backend, or several; a call ends when they are computed.
    """
    _wait(function())
    return min(_milliseconds(function) for _ in range(repeats))


def _milliseconds(function):
    start = time.perf_counter()
    _wait(function())
    return (time.perf_counter() - start) * 1000


def _wait(arrays):
    """Wait until arrays are computed: JAX and accelerators return at once."""
    keras.tree.map_structure(keras.ops.convert_to_numpy, arrays)
