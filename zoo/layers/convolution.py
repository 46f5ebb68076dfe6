"""Convolutions over the tokens of a text."""

import keras
from keras import ops
from keras.layers import Activation

from zoo import backend
from zoo.layers.lora import kernel_of
from zoo.layers.transformer import residual
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class Conv1D(keras.layers.Conv1D):
    """`keras.layers.Conv1D` with strides and groups of 1, by the backend's quickest convolution."""

    adaptable = ("kernel",)

    def call(self, inputs):
        padding = self.padding
        if padding == "causal":
            inputs, padding = ops.pad(inputs, self._compute_causal_padding()), "valid"
        return self.respond(inputs, padding)

    def respond(self, inputs, padding):
        """Responses of the filters, (batch, time, filters); with the padding "valid" only where the kernel fits in."""
        y = backend.convolve(inputs, kernel_of(self), padding, self.dilation_rate[0])
        return self.activation(y if self.bias is None else y + self.bias)


@keras.saving.register_keras_serializable(package="zoo")
class MaskedConv1D(Conv1D):
    """A `Conv1D` that sees zeros at padding: (batch, time, width) to (batch, time, filters)."""

    def build(self, inputs_shape, padding_mask_shape):
        super().build(inputs_shape)

    def call(self, inputs, padding_mask, cache=None):
        """Each token with its neighbours.

        Args:
            inputs: (batch, time, width).
            visible: (batch, time) booleans, True where a token is.
            memory: of the last inputs, see `zoo.layers.cache`; it knows which tokens are visible.
        """
        if cache is not None:
            return self._go_on(inputs, cache)
        return super().call(inputs * ops.cast(padding_mask, inputs.dtype)[..., None])

    def _go_on(self, inputs, cache):
        if self.padding != "causal":
            raise UserError(f"Expected layers that look only backwards. Received: {self.name!r}, which is not causal.")
        batch, _, width = ops.shape(inputs)
        padding_mask, reach = (
            ops.cast(cache.padding_mask(), "int32"),
            (self.kernel_size[0] - 1) * self.dilation_rate[0],
        )
        (before,) = cache.state or [ops.zeros((batch, reach, width), inputs.dtype)]
        x = ops.concatenate([before, inputs * ops.cast(padding_mask, inputs.dtype)[..., None]], axis=1)
        last = ops.sum(padding_mask, axis=1)[:, None] + ops.arange(reach, dtype="int32")
        cache.state = (ops.take_along_axis(x, last[..., None], axis=1),)
        return self.respond(x, "valid")

    def compute_output_spec(self, inputs, padding_mask, cache=None):
        return keras.KerasTensor((*inputs.shape[:-1], self.filters), dtype=self.compute_dtype)


def convolution_block(x, padding_mask, kernel, dilation, causal, dropout, name):
    """Draw a residual block of one convolution, as wide as `x`, normalised before: each token and its neighbours.

    Args:
        kernel: width in tokens, `dilation` places apart (Yu & Koltun 2016, https://arxiv.org/abs/1511.07122).
        causal: whether only earlier tokens are neighbours (Bai et al. 2018, https://arxiv.org/abs/1803.01271).
        dropout: of what the convolution adds.
    """
    padding = "causal" if causal else "same"
    convolve = MaskedConv1D(x.shape[-1], kernel, padding=padding, dilation_rate=dilation, name=f"{name}_convolution")
    activate = Activation("gelu", name=f"{name}_activation")
    return residual(x, lambda y: activate(convolve(y, padding_mask)), "pre", dropout, name)
