"""Dropout that draws its random numbers more quickly than Keras's.

Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html, as Keras has it: what is kept is divided by the
probability of keeping it.
"""

import keras

from zoo import backend
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` on the backend's quickest random numbers. Raises UserError for a rate of 1 or more."""

    def __init__(self, rate, **kwargs):
        if not 0 <= rate < 1:
            raise UserError(f"Dropout needs a rate from 0 to below 1. Received: rate={rate!r}.")
        super().__init__(rate, **kwargs)

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        return backend.leave_out(inputs, self.rate, self.seed_generator, self.noise_shape)


def variational_dropout(rate, name):
    """Dropout of the same features at every token (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287)."""
    return Dropout(rate, noise_shape=(None, 1, None), name=name)
