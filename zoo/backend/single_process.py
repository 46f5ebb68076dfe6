"""One process with one device: the functions of `zoo/backend/jax_processes.py` on other backends."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

CANNOT_DISTRIBUTE = "keras.distribution trains on one device there" + (
    ", until Keras 3.16" if keras.config.backend() == "torch" else ""
)


def join_processes() -> None:
    """There is no other process to join."""


def device_counts() -> tuple[int, int]:
    return 1, 1


def process_index() -> int:
    return 0


def process_count() -> int:
    return 1


def share_text(text: str) -> str:
    return text


def synchronize() -> None:
    """There is no other process to wait for."""


def local_batch(batch: Any) -> Any:
    return batch


def snapshot(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


@contextmanager
def whole_weights(variables: Sequence[keras.Variable]) -> Iterator[None]:
    yield
