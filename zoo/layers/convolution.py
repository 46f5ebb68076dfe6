"""1-D convolutions over the tokens of a text: plain, masked at padding, and as a residual block."""

import keras
from keras import KerasTensor, ops
from keras.layers import Activation

from zoo import backend
from zoo.backend import Tensor
from zoo.layers.cache import LayerCache
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.lora import effective_kernel
from zoo.layers.transformer import residual
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class Conv1D(keras.layers.Conv1D):
    """`keras.layers.Conv1D` with strides and groups of 1, by the backend's quickest convolution.

    >>> layers.Conv1D(32, kernel_size=3, padding="causal")(keras.Input((5, 16))).shape
    (None, 5, 32)
    """

    lora_targets = ("kernel",)

    @property
    def reach(self) -> int:
        """Tokens that the kernel spans, less one: the inputs that a causal convolution reads before each token."""
        return (self.kernel_size[0] - 1) * self.dilation_rate[0]

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The convolution, (batch, time, filters).

        Args:
            inputs: (batch, time, width).
            mask: (batch, time) booleans, False at padding, where inputs count as zeros; None: Keras's implicit mask of
                `inputs`, else no token is padding.
        """
        inputs = inputs if mask is None else inputs * ops.cast(mask, inputs.dtype)[..., None]
        if self.padding == "causal":
            return self.convolve(ops.pad(inputs, ((0, 0), (self.reach, 0), (0, 0))), "valid")
        return self.convolve(inputs, self.padding)

    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the inputs; None with padding="valid", which changes the time axis."""
        return None if self.padding == "valid" else previous_mask

    def convolve(self, inputs: Tensor, padding: str) -> Tensor:
        """The convolution, (batch, time, filters), with bias and activation; `padding` is "same" or "valid"."""
        y = backend.conv1d(inputs, effective_kernel(self), padding, self.dilation_rate[0])
        return self.activation(y if self.bias is None else y + self.bias)


@keras.saving.register_keras_serializable(package="zoo")
class MaskedConv1D(ImplicitMask, Conv1D):
    """A convolution with zeros at padding: (batch, time, width) to (batch, time, filters).

    >>> layers.MaskedConv1D(32, 3, padding="same")(keras.Input((5, 16)), keras.Input((5,), dtype="bool")).shape
    (None, 5, 32)
    """

    masked_inputs = ("inputs",)
    compute_mask = Conv1D.compute_mask

    def build(self, inputs_shape, padding_mask_shape=None):
        super().build(inputs_shape)

    def call(self, inputs: Tensor, padding_mask: Tensor | None = None, cache: LayerCache | None = None) -> Tensor:
        """The convolution of each token with its neighbours.

        Args:
            inputs: (batch, time, width).
            padding_mask: (batch, time) booleans, True at tokens; None: Keras's implicit mask of `inputs`, else all.
            cache: a `LayerCache` of the last inputs, which has the mask of the new tokens.
        """
        if cache is not None:
            return self._call_cached(inputs, cache)
        return super().call(inputs, padding_mask)

    def _call_cached(self, inputs, cache: LayerCache):
        if self.padding != "causal":
            raise UserError(f"Expected causal layers for decoding. Received: {self.name!r}, which is not causal.")
        batch, _, width = ops.shape(inputs)
        padding_mask = ops.cast(cache.padding_mask(), "int32")
        (previous,) = cache.state or [ops.zeros((batch, self.reach, width), inputs.dtype)]
        x = ops.concatenate([previous, inputs * ops.cast(padding_mask, inputs.dtype)[..., None]], axis=1)
        index_BR = ops.sum(padding_mask, axis=1)[:, None] + ops.arange(self.reach, dtype="int32")
        cache.state = (ops.take_along_axis(x, index_BR[..., None], axis=1),)
        return self.convolve(x, "valid")

    def compute_output_spec(self, inputs, padding_mask=None, cache=None):
        return keras.KerasTensor((*inputs.shape[:-1], self.filters), dtype=self.compute_dtype)


def convolution_block(
    x: KerasTensor, padding_mask: KerasTensor, kernel: int, dilation: int, causal: bool, dropout: float, name: str
) -> KerasTensor:
    """A pre-norm residual block of one convolution with GELU, as wide as `x`, (batch, time, width).

    Args:
        padding_mask: (batch, time) booleans, True at tokens.
        kernel: kernel size in tokens.
        dilation: distance of the kernel's tokens (Yu & Koltun 2016, https://arxiv.org/abs/1511.07122).
        causal: whether only earlier tokens are neighbours (Bai et al. 2018, https://arxiv.org/abs/1803.01271).
        dropout: rate of dropout of the convolution's output.

    >>> x, mask = keras.Input((5, 16)), keras.Input((5,), dtype="bool")
    >>> layers.convolution_block(x, mask, kernel=3, dilation=1, causal=False, dropout=0.1, name="b0").shape
    (None, 5, 16)
    """
    padding = "causal" if causal else "same"
    convolution = MaskedConv1D(x.shape[-1], kernel, padding=padding, dilation_rate=dilation, name=f"{name}_convolution")
    activation = Activation("gelu", name=f"{name}_activation")
    return residual(x, lambda y: activation(convolution(y, padding_mask)), "pre", dropout, name)
