"""R-Drop: two passes over a batch, each with dropout of its own, are made to agree.

Liang et al. 2021, https://arxiv.org/abs/2106.14448, section 2.1. A network that learns few texts by heart is sure of
them for reasons that another half of its weights does not share.
"""

import keras
import numpy as np
from keras import ops

from zoo.runtime.errors import UserError


def check_rdrop(objective, architecture):
    """Raise UserError for a negative `rdrop`, and for one without dropout: both passes would be the same."""
    if objective.rdrop < 0:
        raise UserError(f"Expected objective.rdrop of 0 or more. Received: {objective.rdrop}.")
    if objective.rdrop and not (objective.dropout or getattr(architecture, "dropout", 0)):
        raise UserError(
            "Expected dropout for objective.rdrop, without which two passes are the same. "
            "Received: objective.dropout=0 and an architecture without dropout."
        )


def repeat_rows(arrays):
    """The arrays of a batch, in any structure, with all rows a second time after the first."""
    return keras.tree.map_structure(lambda array: np.concatenate([array, array]), arrays)


class RDropLoss(keras.losses.Loss):
    """The loss of `repeat_rows` rows, and how far apart the two passes are.

    Args:
        loss: a Keras loss, of (rows, ..., classes) targets and logits.
        strength: of the mean of both Kullback-Leibler divergences beside the losses of both passes: the authors' alpha.
        several: whether each class has a probability of its own: their divergences are averaged.
    """

    def __init__(self, loss, strength, multi_label=False):
        super().__init__(name="rdrop")
        self.loss, self.strength = loss, strength
        self.chances, self.total = (ops.sigmoid, ops.mean) if multi_label else (ops.softmax, ops.sum)

    def call(self, y_true, y_pred):
        (one, other), (p, q) = ops.split(y_pred, 2), ops.split(self.chances(y_pred), 2)
        both = self.total((p - q) * (one - other), axis=-1)  # KL(p, q) + KL(q, p): what normalises logits cancels out
        return self.loss.call(y_true, y_pred) + self.strength / 4 * ops.concatenate([both, both])
