"""Precision of exported weights: matrices in float16, or in int8 with a scale for each channel (weight-only).

Activations, outputs and vectors (biases, scales of norms) stay in float32. In int8 each channel has its own scale, its
largest absolute value divided by 127 (Dettmers 2022, arXiv:2208.07339, section 2.1, vector-wise): a channel is a row of
an embedding table, and an output of any other kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.export.export_options import FLOAT16, FLOAT32
from zoo.layers.quantization import INT8_MAX
from zoo.runtime.errors import UserError

MIN_VALUES = 256  # a smaller matrix, such as the transitions of a CRF, stays in float32: it would save next to nothing
MAX_FLOAT16 = float(np.finfo("float16").max)
FLOAT_BYTES = 4  # of a float32 value


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix in float16, or in int8 with its scales.

    Args:
        values: float16 or int8.
        scale: float32, that broadcasts to `values`; None: float16.
    """

    values: np.ndarray
    scale: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + (0 if self.scale is None else self.scale.nbytes)

    def dequantize(self) -> np.ndarray:
        """The matrix in float32, as the exported graph computes it."""
        values = self.values.astype("float32")
        return values if self.scale is None else values * self.scale


def check_precision(model: keras.Model, precision: str) -> None:
    """Raise UserError for a precision without effect on a model."""
    if precision != FLOAT32 and not any(map(is_stored, model.variables)):
        raise UserError(
            f"Expected precision={FLOAT32} for a model without a matrix of {MIN_VALUES} weights or more. "
            f"Received: precision={precision}, which has no effect."
        )


def is_stored(variable: Any) -> bool:
    """Whether a variable of a model is a matrix that another precision than float32 applies to."""
    is_float = str(variable.dtype) == FLOAT32
    return is_float and sum(size > 1 for size in variable.shape) > 1 and np.prod(variable.shape) >= MIN_VALUES


def stored_matrices(model: keras.Model, precision: str) -> Iterator[tuple[Any, StoredMatrix]]:
    """Yield (variable, its stored matrix) of a model; a matrix that float16 cannot hold stays in float32."""
    for variable in model.variables if precision != FLOAT32 else ():
        if is_stored(variable) and (matrix := _store(variable, precision)):
            yield variable, matrix


def _store(variable, precision):
    array = keras.ops.convert_to_numpy(variable.value)
    if precision == FLOAT16:
        return StoredMatrix(array.astype("float16")) if np.abs(array).max() <= MAX_FLOAT16 else None
    is_table = variable.path.rsplit("/", 1)[-1].endswith("embeddings")
    axes = tuple(range(1, array.ndim)) if is_table else tuple(range(array.ndim - 1))
    scale = np.maximum(np.abs(array).max(axis=axes, keepdims=True), 1e-12).astype("float32") / np.float32(INT8_MAX)
    return StoredMatrix(np.round(array / scale).astype("int8"), scale)


def weight_bytes(model: keras.Model, precision: str) -> int:
    """Bytes of the weights of a model that is exported in a precision."""
    saved = (FLOAT_BYTES * matrix.values.size - matrix.nbytes for _, matrix in stored_matrices(model, precision))
    return FLOAT_BYTES * model.count_params() - sum(saved)


@contextmanager
def rounded_weights(model: keras.Model, precision: str) -> Iterator[None]:
    """Within the block, a model has the weights that its export in a precision computes with."""
    exact = []
    try:
        for variable, matrix in stored_matrices(model, precision):
            exact.append((variable, keras.ops.convert_to_numpy(variable.value).copy()))
            variable.assign(matrix.dequantize())
        yield
    finally:
        for variable, array in exact:
            variable.assign(array)
