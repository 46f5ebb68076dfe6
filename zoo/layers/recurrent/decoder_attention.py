"""Attention of a recurrent decoder to the source (Bahdanau, Luong).

Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473; Luong et al. 2015, https://arxiv.org/abs/1508.04025.
"""

import keras
from keras import ops

from zoo.backend import Tensor
from zoo.layers.cache import LayerCache
from zoo.layers.dense import built_dense
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.traces import AttentionTrace, product_trace, score_trace
from zoo.runtime.errors import UserError, one_of

SCORES = ("additive", "general", "dot")


@keras.saving.register_keras_serializable(package="zoo")
class DecoderAttention(ImplicitMask, keras.layers.Layer):
    """Context vectors: means of the source's vectors weighted by softmax of a score, one per decoder state.

    Args:
        units: width of the queries, and of the hidden layer of the additive score.
        score: "additive", v tanh(W q + U s) (Bahdanau 2015, appendix A.1.2), "general", q W s, or "dot", q s (Luong
            2015, equation 8).

    Raises UserError for "dot" with queries and source vectors of different widths.

    >>> layers.DecoderAttention(16)(keras.Input((5, 16)), keras.Input((9, 32))).shape
    (None, 5, 32)
    """

    masked_inputs = ("source",)

    def __init__(self, units: int, score: str = "additive", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.score = one_of("score", score, SCORES)

    def build(self, query_shape, source_shape, padding_mask_shape=None):
        if self.score == "dot" and query_shape[-1] != source_shape[-1]:
            raise UserError(
                "score='dot' needs queries as wide as the source's vectors. "
                f"Received: {query_shape[-1]} and {source_shape[-1]}. score='general' takes any."
            )
        if self.score == "additive":
            self.query = self._dense("query", self.units, query_shape)
            self.energy = self._dense("energy", 1, (self.units,))
        if self.score != "dot":
            width = self.units if self.score == "additive" else query_shape[-1]
            self.key = self._dense("key", width, source_shape)

    def call(
        self, query: Tensor, source: Tensor, padding_mask: Tensor | None = None, cache: LayerCache | None = None
    ) -> Tensor:
        """Context vectors, (batch, time, width), one for each query.

        Args:
            query: (batch, time, units).
            source: (batch, source time, width).
            padding_mask: (batch, source time) booleans, True at the source's tokens.
            cache: a `LayerCache` of the keys.
        """
        if cache is None:
            return self.attend(query, self.keys(source), source, padding_mask)
        cache.cross = cache.cross or (self.keys(source),)
        (keys,) = cache.cross
        return self.attend(query, keys, source, padding_mask)

    def keys(self, source: Tensor) -> Tensor:
        """The keys of a source, (batch, source time, units), computed once for all steps of a decoder."""
        return source if self.score == "dot" else self.key(source)

    def attend(self, query: Tensor, keys: Tensor, source: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """`call` with the `keys` of the source."""
        score_BTS = ops.cast(self._score(query, keys), "float32")
        if padding_mask is not None:
            score_BTS = ops.where(padding_mask[:, None], score_BTS, -1e9)
        weight_BTS = ops.exp(score_BTS - ops.stop_gradient(ops.max(score_BTS, axis=-1, keepdims=True)))
        weight_BTS = weight_BTS / ops.sum(weight_BTS, axis=-1, keepdims=True)  # Keras warns of a softmax of one number
        return ops.matmul(ops.cast(weight_BTS, source.dtype), source)

    def trace(self, query: Tensor, source: Tensor, padding_mask: Tensor | None = None) -> AttentionTrace:
        """The alignment of a call with the same arguments, as attention with one head."""
        keys = self.keys(source)
        if self.score == "additive":
            return score_trace(self._score(query, keys)[:, None], padding_mask)
        return product_trace(query[:, :, None], keys[:, :, None], mask=padding_mask)

    def _score(self, query_BTU, key_BSU):
        if self.score != "additive":
            return ops.matmul(query_BTU, ops.transpose(key_BSU, (0, 2, 1)))
        hidden_BTSU = ops.tanh(self.query(query_BTU)[:, :, None] + key_BSU[:, None])
        return ops.squeeze(self.energy(hidden_BTSU), -1)

    def compute_output_spec(self, query, source, padding_mask=None):
        return keras.KerasTensor((*query.shape[:2], source.shape[-1]), dtype=self.compute_dtype)

    def _dense(self, name, units, shape):
        return built_dense(name, units, shape, self.dtype_policy, use_bias=False)
