"""Convolutions over the tokens of a text, to which padding is nothing at all."""

import keras
from keras import ops
from keras.layers import Activation, Conv1D

from zoo.layers.blocks import residual


@keras.saving.register_keras_serializable(package="zoo")
class Convolution(Conv1D):
    """`keras.layers.Conv1D` that sees zeros at padding: (batch, time, width) to (batch, time, filters)."""

    def build(self, inputs_shape, visible_shape):
        super().build(inputs_shape)

    def call(self, inputs, visible):
        """Args: `inputs` (batch, time, width); `visible` (batch, time) booleans, True where a token is."""
        return super().call(inputs * ops.cast(visible, inputs.dtype)[..., None])

    def compute_output_spec(self, inputs, visible):
        return keras.KerasTensor((*inputs.shape[:-1], self.filters), dtype=self.compute_dtype)


def convolution_block(x, visible, kernel, dilation, causal, dropout, name):
    """Draw a residual block of one convolution, as wide as `x`, normalised before: each token and its neighbours.

    Args:
        kernel: width in tokens, `dilation` places apart (Yu & Koltun 2016, https://arxiv.org/abs/1511.07122).
        causal: whether only earlier tokens are neighbours (Bai et al. 2018, https://arxiv.org/abs/1803.01271).
        dropout: of what the convolution adds.
    """
    padding = "causal" if causal else "same"
    convolve = Convolution(x.shape[-1], kernel, padding=padding, dilation_rate=dilation, name=f"{name}_convolution")
    activate = Activation("gelu", name=f"{name}_activation")
    return residual(x, lambda y: activate(convolve(y, visible)), "pre", dropout, name)
