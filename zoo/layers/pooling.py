"""Pooling over time: one vector per text from one vector per token."""

from typing import Any

import keras
from keras import KerasTensor, ops

from zoo import backend
from zoo.backend import Tensor
from zoo.layers.embedding import PaddingMask
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.shift import TokenMask
from zoo.layers.traces import AttentionTrace, score_trace
from zoo.runtime.errors import one_of

POOLINGS = ("max", "mean", "first", "last", "attention")


@keras.saving.register_keras_serializable(package="zoo")
class Pooling(ImplicitMask, keras.layers.Layer):
    """Masked pooling over time: (batch, time, width) to (batch, width); zeros for a text without a token.

    Args:
        kind: "max", "mean", "first" or "last" token, or "attention": a learned weighted mean (Yang et al. 2016,
            equations 5 to 7, https://aclanthology.org/N16-1174).

    Raises UserError for any other kind.

    >>> layers.Pooling("attention")(keras.Input((5, 16)), keras.Input((5,), dtype="bool")).shape
    (None, 16)
    >>> layers.Pooling("max")(layers.TokenEmbedding(100, 16, mask_zero=True)(keras.Input((5,), dtype="int32"))).shape
    (None, 16)
    """

    def __init__(self, kind: str = "mean", **kwargs):
        super().__init__(**kwargs)
        self.kind = one_of("pooling", kind, POOLINGS)

    def build(self, x_shape, padding_mask_shape=None):
        if self.kind == "attention":
            self.hidden = keras.layers.Dense(x_shape[-1], activation="tanh", name="hidden", dtype=self.dtype_policy)
            self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=self.dtype_policy)
            self.hidden.build(x_shape)
            self.score.build(x_shape)

    def call(self, x: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Pool `x`, (batch, time, width), over the tokens where `padding_mask`, (batch, time) booleans, is True.

        None stands for Keras's implicit mask of `x`, else for all tokens.
        """
        mask_BT: Tensor = ops.ones(ops.shape(x)[:2], "bool") if padding_mask is None else padding_mask
        if self.kind == "max":
            any_token = ops.any(mask_BT, axis=1)[:, None]
            return ops.where(any_token, backend.masked_max(x, mask_BT), 0)
        weights_BT = ops.cast(self._weights(x, mask_BT), x.dtype)
        return ops.einsum("bt,btm->bm", weights_BT, x)

    def compute_output_spec(self, x, padding_mask=None):
        return keras.KerasTensor((x.shape[0], x.shape[2]), dtype=self.compute_dtype)

    def compute_mask(self, inputs, previous_mask=None):
        """None: the output has no time axis."""

    def trace(self, x: Tensor, padding_mask: Tensor | None = None) -> AttentionTrace | None:
        """The weights of "attention" on a call with the same arguments, as one head with one query; else None."""
        return score_trace(self._score(x)[:, None, None], padding_mask) if self.kind == "attention" else None

    def _score(self, x):
        return ops.cast(ops.squeeze(self.score(self.hidden(x)), -1), "float32")

    def _weights(self, x, padding_mask):
        mask_BT = ops.cast(padding_mask, "float32")
        if self.kind == "mean":
            return mask_BT / ops.maximum(ops.sum(mask_BT, axis=1, keepdims=True), 1)
        if self.kind == "attention":
            return ops.softmax(ops.where(padding_mask, self._score(x), -1e9), axis=1) * mask_BT
        count_BT = ops.cumsum(mask_BT, axis=1)
        selected = 1 if self.kind == "first" else count_BT[:, -1:]
        return ops.where(ops.equal(count_BT, selected), mask_BT, 0)


def pool(architecture: Any, backbone: keras.Model, kind: str | None = None, token: int | None = None) -> KerasTensor:
    """Pooled features of a backbone, (batch, width): its output, pooled if the output is one vector per token.

    Args:
        kind: a kind of `Pooling`; None: the architecture's own.
        token: pool over the tokens with this id only; None: over all but padding.
    """
    if architecture.pooling is None:
        return backbone.output
    mask = PaddingMask(architecture.padding, name="pooling_mask")
    mask = mask if token is None else TokenMask(token, name="pooling_mask")
    padding_mask = mask(backbone.input["tokens"])
    return Pooling(kind or architecture.pooling, name="pooling")(backbone.output, padding_mask)
