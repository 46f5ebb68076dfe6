"""Attention of a recurrent decoder to the source: which source tokens each step of the target goes with.

Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473; Luong et al. 2015, https://arxiv.org/abs/1508.04025.
"""

import keras
from keras import ops

from zoo.layers.dense import Dense
from zoo.runtime.errors import UserError, one_of

SCORES = ("additive", "general", "dot")


@keras.saving.register_keras_serializable(package="zoo")
class DecoderAttention(keras.layers.Layer):
    """Means of a source's vectors, weighted by softmax of a score against each of (batch, time, units) queries.

    `score` is "additive", v tanh(W q + U s) with `units` numbers in between (Bahdanau 2015, appendix A.1.2), "general",
    q W s, or "dot", q s (Luong 2015, equation 8). Raises UserError where "dot" is given vectors of two widths.
    """

    def __init__(self, units, score="additive", **kwargs):
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
            self.weigh = self._dense("weigh", 1, (self.units,))
        if self.score != "dot":
            width = self.units if self.score == "additive" else query_shape[-1]
            self.key = self._dense("key", width, source_shape)

    def call(self, query, source, padding_mask=None, cache=None):
        """Means of source vectors, one for each query.

        Args:
            query: (batch, time, units).
            source: (batch, source time, width).
            visible: (batch, source time) booleans, True where the source has a token.
            memory: of what the source is compared by, see `zoo.layers.cache`.

        Returns (batch, time, width).
        """
        if cache is None:
            return self.take(query, self.keys(source), source, padding_mask)
        cache.cross = cache.cross or (self.keys(source),)
        return self.take(query, *cache.cross, source, padding_mask)

    def keys(self, source):
        """What queries are compared with, (batch, source time, units): computed once where steps come one by one."""
        return source if self.score == "dot" else self.key(source)

    def take(self, query, keys, source, padding_mask=None):
        """As `call`, with the `keys` of the source given."""
        score_BTS = ops.cast(self._score(query, keys), "float32")
        if padding_mask is not None:
            score_BTS = ops.where(padding_mask[:, None], score_BTS, -1e9)
        weight_BTS = ops.exp(score_BTS - ops.stop_gradient(ops.max(score_BTS, axis=-1, keepdims=True)))
        weight_BTS = weight_BTS / ops.sum(weight_BTS, axis=-1, keepdims=True)  # Keras warns of a softmax of one number
        return ops.matmul(ops.cast(weight_BTS, source.dtype), source)

    def _score(self, query_BTU, key_BSU):
        if self.score != "additive":
            return ops.matmul(query_BTU, ops.transpose(key_BSU, (0, 2, 1)))
        both_BTSU = ops.tanh(self.query(query_BTU)[:, :, None] + key_BSU[:, None])
        return ops.squeeze(self.weigh(both_BTSU), -1)

    def compute_output_spec(self, query, source, padding_mask=None):
        return keras.KerasTensor((*query.shape[:2], source.shape[-1]), dtype=self.compute_dtype)

    def _dense(self, name, units, shape):
        layer = Dense(units, use_bias=False, name=name, dtype=self.dtype_policy)
        layer.build(shape)
        return layer
