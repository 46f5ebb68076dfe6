"""R-Drop regularisation: the KL divergence between two forward passes with different dropout is added to the loss.

Liang et al. 2021, https://arxiv.org/abs/2106.14448, section 2.1.
"""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

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


class RDropLoss(keras.losses.Loss):
    """R-Drop loss of a batch made by `repeat_rows`: `loss`, plus the KL divergence of the two passes.

    Args:
        loss: a Keras loss, of (rows, ..., classes) targets and logits.
        strength: alpha of the paper, the weight of the Kullback-Leibler divergences.
        multi_label: whether each class has an independent probability; the divergences of the classes are averaged.
    """

    def __init__(self, loss: keras.losses.Loss, strength: float, multi_label: bool = False) -> None:
        super().__init__(name="rdrop")
        self.loss, self.strength = loss, strength
        self.activate, self.reduce = (ops.sigmoid, ops.mean) if multi_label else (ops.softmax, ops.sum)

    def call(self, y_true, y_pred):
        (first, second), (p, q) = ops.split(y_pred, 2), ops.split(self.activate(y_pred), 2)
        divergence = self.reduce((p - q) * (first - second), axis=-1)  # KL(p, q) + KL(q, p); log-normalisers cancel
        return self.loss.call(y_true, y_pred) + self.strength / 4 * ops.concatenate([divergence, divergence])
