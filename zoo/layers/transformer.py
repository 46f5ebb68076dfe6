"""Transformer parts: feed-forward layer, layer norm and RMS norm, residual connections, encoder and decoder blocks.

The blocks are functions that build named layers into a functional graph, not layers themselves, so that every attention
layer of a network can be found in it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import KerasTensor
from keras.layers import Add, LayerNormalization, RMSNormalization

from zoo.backend import Tensor
from zoo.layers.attention import MultiHeadAttention, kernel_init
from zoo.layers.dense import built_dense
from zoo.layers.dropout import Dropout
from zoo.layers.implicit_mask import PassesMask
from zoo.runtime.errors import one_of

NORMS = ("pre", "post")
EPSILON = 1e-5  # what torch.nn.LayerNorm and GPT-2 add to the variance


@keras.saving.register_keras_serializable(package="zoo")
def gelu_tanh(x: Tensor) -> Tensor:
    """GELU with the tanh approximation, as in GPT-2 (Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2)."""
    return keras.activations.gelu(x, approximate=True)


ACTIVATIONS = {"gelu_tanh": gelu_tanh}  # others are Keras's own; its "gelu" is the exact one


@keras.saving.register_keras_serializable(package="zoo")
class FeedForward(PassesMask, keras.layers.Layer):
    """A Transformer's pointwise feed-forward layer (MLP): down(act(up(x))), or gated down(act(gate(x)) * up(x)).

    Vaswani et al. 2017, section 3.3, https://arxiv.org/abs/1706.03762. Gated: Shazeer 2020,
    https://arxiv.org/abs/2002.05202; with `activation="silu"` that is SwiGLU. (batch, time, width) to the same shape.

    Args:
        hidden: width of the gate and up projections.
        activation: a Keras activation, or "gelu_tanh".
        dropout: rate of dropout before the down projection.
        gated: whether a gate multiplies the hidden layer.
        use_bias: whether the dense layers have biases.
        init_std: standard deviation of new kernels: see `kernel_init`.
        out_init_std: the same of the down projection; None: `init_std`.

    >>> layers.FeedForward(64, activation="silu", gated=True)(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def __init__(
        self,
        hidden: int,
        activation: str = "relu",
        dropout: float = 0.0,
        gated: bool = False,
        use_bias: bool = True,
        init_std: float | None = None,
        out_init_std: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.gated = gated
        self.use_bias = use_bias
        self.init_std = init_std
        self.out_init_std = out_init_std

    def build(self, x_shape):
        activation = ACTIVATIONS.get(self.activation, self.activation)
        if self.gated:
            self.gate = self._dense("gate", self.hidden, x_shape, self.init_std, activation)
        self.up = self._dense("up", self.hidden, x_shape, self.init_std, None if self.gated else activation)
        self.dropout_layer = Dropout(self.dropout, name="dropout", dtype=self.dtype_policy)
        init_std = self.out_init_std or self.init_std
        self.down = self._dense("down", x_shape[-1], (*x_shape[:-1], self.hidden), init_std)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        y = self.gate.call(x) * self.up.call(x) if self.gated else self.up.call(x)
        return self.down.call(self.dropout_layer(y, training=training) if self.dropout else y)

    def _dense(self, name, units, shape, init_std, activation=None):
        options = {"use_bias": self.use_bias, "kernel_initializer": kernel_init(init_std), "activation": activation}
        return built_dense(name, units, shape, self.dtype_policy, **options)


def layer_norm(x: KerasTensor, name: str, epsilon: float = EPSILON) -> KerasTensor:
    """Layer normalisation of each token: Ba et al. 2016, https://arxiv.org/abs/1607.06450.

    Args:
        epsilon: added to the variance.

    >>> layers.layer_norm(keras.Input((5, 16)), name="norm").shape
    (None, 5, 16)
    """
    return LayerNormalization(epsilon=epsilon, name=name)(x)


def rms_norm(x: KerasTensor, name: str, epsilon: float = EPSILON) -> KerasTensor:
    """RMS norm of each token, division by its root mean square: Zhang & Sennrich 2019, arXiv:1910.07467.

    Args:
        epsilon: added to the mean square.

    >>> layers.rms_norm(keras.Input((5, 16)), name="norm").shape
    (None, 5, 16)
    """
    return RMSNormalization(epsilon=epsilon, name=name)(x)


def residual(
    x: KerasTensor, sublayer: Callable, norm: str, dropout: float, name: str, normalize: Callable = layer_norm
) -> KerasTensor:
    """A residual connection: `x` plus a sublayer of `x`.

    Args:
        sublayer: `sublayer(x)` returns features of the same shape.
        norm: "post" normalises the sum, as Vaswani et al. 2017; "pre" the sublayer's input, as Xiong et al. 2020,
            https://arxiv.org/abs/2002.04745, which trains without warm-up but needs a norm after the last block.
        dropout: rate of dropout of the sublayer's output.
        normalize: `normalize(x, name)`, `layer_norm` or `rms_norm`.

    >>> x = keras.Input((5, 16))
    >>> layers.residual(x, layers.FeedForward(64), norm="pre", dropout=0.1, name="block0").shape
    (None, 5, 16)
    """
    pre = one_of("norm", norm, NORMS) == "pre"
    y = sublayer(normalize(x, f"{name}_norm") if pre else x)
    x = Add(name=f"{name}_sum")([x, Dropout(dropout, name=f"{name}_dropout")(y)])
    return x if pre else normalize(x, f"{name}_norm")


def encoder_block(
    x: KerasTensor,
    padding_mask: KerasTensor | None,
    attention: dict[str, Any],
    feed_forward: dict[str, Any],
    norm: str,
    dropout: float,
    name: str,
    normalize: Callable = layer_norm,
) -> KerasTensor:
    """A Transformer's encoder block: self-attention, then a feed-forward layer.

    With `causal` among the attention's options and `padding_mask` None it is the block of a decoder-only model.

    Args:
        padding_mask: (batch, time) booleans, True at tokens; None: all tokens are visible.
        attention: options of `MultiHeadAttention`.
        feed_forward: options of `FeedForward`.
        norm, dropout, normalize: as in `residual`.

    >>> attention, feed_forward = {"heads": 4}, {"hidden": 64}
    >>> x, mask = keras.Input((5, 16)), keras.Input((5,), dtype="bool")
    >>> layers.encoder_block(x, mask, attention, feed_forward, "pre", dropout=0.1, name="block0").shape
    (None, 5, 16)
    """
    self_attention = MultiHeadAttention(**attention, name=f"{name}_attention")
    feed = FeedForward(**feed_forward, name=f"{name}_feed_forward")
    attend = partial(self_attention, padding_mask=padding_mask)
    x = residual(x, attend, norm, dropout, f"{name}_attention", normalize)
    return residual(x, feed, norm, dropout, f"{name}_feed_forward", normalize)


def decoder_block(
    x: KerasTensor,
    source: KerasTensor,
    padding_mask: KerasTensor,
    attention: dict[str, Any],
    feed_forward: dict[str, Any],
    norm: str,
    dropout: float,
    name: str,
) -> KerasTensor:
    """A Transformer's decoder block: causal self-attention, cross-attention, then a feed-forward layer.

    The target needs no padding mask: padding comes last, after all tokens that could attend to it.

    Args:
        source: (batch, source time, its width), the encoder's features.
        padding_mask: (batch, source time) booleans, True at the source's tokens.
        attention, feed_forward, norm, dropout: as in `encoder_block`.

    >>> attention, feed_forward = {"heads": 4}, {"hidden": 64}
    >>> x, source, mask = keras.Input((5, 16)), keras.Input((9, 16)), keras.Input((9,), dtype="bool")
    >>> layers.decoder_block(x, source, mask, attention, feed_forward, "pre", dropout=0.1, name="block0").shape
    (None, 5, 16)
    """
    self_attention = MultiHeadAttention(**attention, causal=True, name=f"{name}_attention")
    cross_attention = MultiHeadAttention(**attention, name=f"{name}_source_attention")
    feed = FeedForward(**feed_forward, name=f"{name}_feed_forward")
    attend_source = partial(cross_attention, context=source, padding_mask=padding_mask)
    x = residual(x, self_attention, norm, dropout, f"{name}_attention")
    x = residual(x, attend_source, norm, dropout, f"{name}_source_attention")
    return residual(x, feed, norm, dropout, f"{name}_feed_forward")
