"""Dropout with a faster random number generator than Keras's, and variational dropout.

Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html, inverted as in Keras: surviving numbers are
divided by the probability of survival.
"""

import keras

from zoo import backend
from zoo.backend import Tensor
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with the backend's fastest generator. Raises UserError for a rate of 1 or more.

    Args:
        rate: probability that a number becomes zero.
        kwargs: of `keras.layers.Dropout`.

    >>> layers.Dropout(0.1)(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def __init__(self, rate: float, **kwargs):
        if not 0 <= rate < 1:
            raise UserError(f"Dropout needs a rate from 0 to below 1. Received: rate={rate!r}.")
        super().__init__(rate, **kwargs)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return backend.dropout(inputs, self.rate, self.seed_generator, self.noise_shape)


def variational_dropout(rate: float, name: str) -> Dropout:
    """Variational dropout: the same features are dropped at every token of a text.

    Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287.

    Args:
        rate: probability that a feature becomes zero.

    >>> layers.variational_dropout(0.2, name="dropout")(keras.Input((5, 16))).shape
    (None, 5, 16)
    """
    return Dropout(rate, noise_shape=(None, 1, None), name=name)
