"""One vector a text from a vector a token."""

import keras
from keras import ops

from zoo import backend
from zoo.layers.embedding import PaddingMask
from zoo.runtime.errors import one_of

KINDS = ("max", "mean", "first", "last", "attention")


@keras.saving.register_keras_serializable(package="zoo")
class Pooling(keras.layers.Layer):
    """Pools (batch, time, width) over time: (batch, width), of visible tokens only; zeros where there is none.

    `kind` is max, mean, first, last or attention: a learned weighted mean (Yang et al. 2016, equations 5 to 7,
    https://aclanthology.org/N16-1174). Raises UserError for any other.
    """

    def __init__(self, kind="mean", **kwargs):
        super().__init__(**kwargs)
        self.kind = one_of("pooling", kind, KINDS)

    def build(self, x_shape, padding_mask_shape):
        if self.kind == "attention":
            self.hidden = keras.layers.Dense(x_shape[-1], activation="tanh", name="hidden", dtype=self.dtype_policy)
            self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=self.dtype_policy)
            self.hidden.build(x_shape)
            self.score.build(x_shape)

    def call(self, x, padding_mask):
        """Args: `x` (batch, time, width); `padding_mask` (batch, time) booleans, True where a token is."""
        if self.kind == "max":
            return _maximum(x, padding_mask)
        weights_BT = ops.cast(self._weights(x, padding_mask), x.dtype)
        return ops.einsum("bt,btm->bm", weights_BT, x)

    def compute_output_spec(self, x, padding_mask):
        return keras.KerasTensor((x.shape[0], x.shape[2]), dtype=self.compute_dtype)

    def _weights(self, x, padding_mask):
        shown_BT = ops.cast(padding_mask, "float32")
        if self.kind == "mean":
            return shown_BT / ops.maximum(ops.sum(shown_BT, axis=1, keepdims=True), 1)
        if self.kind == "attention":
            score_BT = ops.cast(ops.squeeze(self.score(self.hidden(x)), -1), "float32")
            return ops.softmax(ops.where(padding_mask, score_BT, -1e9), axis=1) * shown_BT
        place_BT = ops.cumsum(shown_BT, axis=1)
        wanted = 1 if self.kind == "first" else place_BT[:, -1:]
        return ops.where(ops.equal(place_BT, wanted), shown_BT, 0)


def pool(architecture, backbone, kind=None):
    """Draw one vector a text: (batch, width) of a backbone's features, pooled where they are one a token.

    `kind` is one of `Pooling`'s; None: what suits the architecture.
    """
    if architecture.pooling is None:
        return backbone.output
    padding_mask = PaddingMask(architecture.padding, name="pooling_mask")(backbone.input["tokens"])
    return Pooling(kind or architecture.pooling, name="pooling")(backbone.output, padding_mask)


def _maximum(x, padding_mask):
    return ops.where(ops.any(padding_mask, axis=1)[:, None], backend.largest(x, padding_mask), 0)
