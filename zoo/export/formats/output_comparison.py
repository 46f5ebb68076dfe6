"""Comparison of a written network with the model: the largest difference of an output on real texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.data.collate import TEXTS
from zoo.export.example_batches import Batch
from zoo.runtime.errors import UserError, single_line

Runner = Callable[[Batch], dict[str, np.ndarray]]  # from ids by input to arrays by output
TOLERANCE = 1e-3  # of outputs of magnitude 1; of larger ones relative to the largest


def largest_difference(network: Any, run: Runner, batches: Sequence[Batch], tolerance: float, file: str) -> float:
    """The largest difference of an output, relative to the largest output where that is above 1.

    Args:
        network: the `tf.function` of the model, of the inputs in the order of a batch.
        run: runs the written file.
        batches: inputs.
        tolerance: the largest difference that is right.
        file: name of the file, for the message.

    Raises UserError, with the difference, where it is above the tolerance.
    """
    differences = [0.0]
    for batch in batches:
        outputs = _run(run, batch, file)
        for name, expected in network(*batch.values()).items():
            expected, actual = expected.numpy(), outputs[name]
            if expected.shape != actual.shape:
                raise UserError(f"Expected {name} of shape {expected.shape} from {file}. Received: {actual.shape}.")
            scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
            differences.append(float(np.abs(actual - expected).max(initial=0.0)) / scale)
    difference = float(np.max(differences))
    if not difference <= tolerance:  # NaN too
        raise UserError(
            f"Expected outputs of {file} that differ from the model's by at most {tolerance:g} on example texts. "
            f"Received: a difference of {difference:.2g}. Nothing was written."
        )
    return difference


def fixed_batches(batches: Sequence[Batch], length: int, padding: int) -> list[Batch]:
    """The rows of batches as batches of one row of `length` ids: longer ones are cut, shorter ones padded."""
    singles = [batch for batch in batches if len(next(iter(batch.values()))) == 1]
    return [{name: _fit(ids, length, padding if name in TEXTS else 0) for name, ids in row.items()} for row in singles]


def _run(run, batch, file):
    try:
        return run(batch)
    except Exception as error:  # the runtime's own
        reason = single_line(str(error))[-200:]
        raise UserError(
            f"Expected {file} to run on example texts. Received: an error of the runtime: {reason}"
        ) from error


def _fit(ids, length, padding):
    fitted = np.full((len(ids), length), padding, ids.dtype)
    fitted[:, : ids.shape[1]] = ids[:, :length]
    return fitted
