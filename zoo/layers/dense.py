"""A dense layer that is quick on every backend."""

import keras
from keras import ops

from zoo.layers.lora import product
from zoo.layers.quantization import rounds


@keras.saving.register_keras_serializable(package="zoo")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense`, its product and its bias being one call of the backend."""

    adaptable = ("kernel",)

    def call(self, inputs, training=None):
        return self.activation(product(inputs, self, bias=self.bias))

    def round_weights(self, precision):
        rounds(self, "_kernel", ops.transpose(self.kernel), precision)
