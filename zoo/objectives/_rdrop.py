"""R-Drop: two passes over a batch, each with dropout of its own, are made to agree.

Liang et al. 2021, https://arxiv.org/abs/2106.14448, section 2.1. A network that learns few texts by heart is sure of
them for reasons that another half of its weights does not share.
"""

import keras
import numpy as np
from keras import ops


def check_agreement(objective, architecture):
    """Raise ValueError for a negative `agreement`, and for one without dropout: both passes would be the same."""
    if objective.agreement < 0:
        raise ValueError(f"Expected objective.agreement of 0 or more. Received: {objective.agreement}.")
    if objective.agreement and not (objective.dropout or getattr(architecture, "dropout", 0)):
        raise ValueError(
            "Expected dropout for objective.agreement, without which two passes are the same. "
            "Received: objective.dropout=0 and an architecture without dropout."
        )


def doubled(arrays):
    """The arrays of a batch, in any structure, with all rows a second time after the first."""
    return keras.tree.map_structure(lambda array: np.concatenate([array, array]), arrays)


class Agreement(keras.losses.Loss):
    """The loss of `doubled` rows, and how far apart the two passes are.

    Args:
        loss: a Keras loss, of (rows, ..., classes) targets and logits.
        strength: of the mean of both Kullback-Leibler divergences beside the losses of both passes: the authors' alpha.
        several: whether each class has a probability of its own: their divergences are averaged.
    """

    def __init__(self, loss, strength, several=False):
        super().__init__(name="agreement")
        self.loss, self.strength = loss, strength
        self.chances, self.total = (ops.sigmoid, ops.mean) if several else (ops.softmax, ops.sum)

    def call(self, y_true, y_pred):
        (one, other), (p, q) = ops.split(y_pred, 2), ops.split(self.chances(y_pred), 2)
        both = self.total((p - q) * (one - other), axis=-1)  # KL(p, q) + KL(q, p): what normalises logits cancels out
        return self.loss.call(y_true, y_pred) + self.strength / 4 * ops.concatenate([both, both])
