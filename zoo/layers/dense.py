"""A dense layer that is quick on every backend."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense` as one product of flat rows: its gradient takes XLA half the time."""

    def call(self, inputs, training=None):
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])), training)
        return ops.reshape(rows, (*ops.shape(inputs)[:-1], self.units))
