"""R-Drop regularisation of an objective: checks, and batches whose rows are repeated; the loss is in `zoo.layers`.

Liang et al. 2021, https://arxiv.org/abs/2106.14448, section 2.1.
"""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.runtime.errors import UserError

if TYPE_CHECKING:
    from zoo.architectures import Architecture


def check_rdrop(objective: Any, architecture: "Architecture") -> None:
    """Raise UserError for a negative `rdrop`, and for a model without dropout: both passes would be the same."""
    if objective.rdrop < 0:
        raise UserError(f"Expected objective.rdrop of 0 or more. Received: objective.rdrop={objective.rdrop}.")
    if objective.rdrop and not (objective.dropout or getattr(architecture, "dropout", 0)):
        raise UserError(
            "Expected dropout for objective.rdrop, without which two passes are the same. "
            "Received: objective.dropout=0 and an architecture without dropout."
        )


def repeat_rows(arrays: Any) -> Any:
    """Repeat a batch: each array of a nested structure, followed by all of its rows once more."""
    return keras.tree.map_structure(lambda array: np.concatenate([array, array]), arrays)
