"""The protocol of batched inference: runs a model on lists of examples for an objective's `predict`."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np


class Runner(Protocol):
    """Batched inference; `zoo.pipeline.predictor.BatchPredictor` implements it, and documents the methods."""

    model: keras.Model
    during_training: bool  # called by validation after an epoch: objectives may generate fewer texts

    def __call__(
        self, examples: Sequence[dict], transform: Callable[[keras.Model], keras.Model] | None = None
    ) -> list[Any]: ...

    def decisions(self, examples: Sequence[dict]) -> list[dict[str, np.ndarray]]: ...

    def decide(self, outputs: Any) -> dict[str, np.ndarray]: ...

    def decide_rows(self, outputs: Sequence) -> list[dict[str, np.ndarray]]: ...

    def generate(self, rows: Sequence[dict]) -> list[list[int]]: ...
