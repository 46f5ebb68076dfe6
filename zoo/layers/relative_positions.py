"""T5's relative position bias."""

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.layers.cache import LayerCache


@keras.saving.register_keras_serializable(package="zoo")
class RelativePositionBias(keras.layers.Layer):
    """Relative position bias of attention: a learned scalar for each head and each bucket of distances.

    Raffel et al. 2020, section 2.1, https://arxiv.org/abs/1910.10683: half of the buckets hold one distance each, the
    others grow geometrically up to `max_distance`, beyond which all tokens are equally far. Without `causal` half of
    the buckets are for later tokens; with `causal` all are for earlier ones. The bias is (batch or 1, heads, time,
    source time).

    Args:
        heads: of the attention.
        buckets: of distances.
        max_distance: tokens, beyond which all distances are one bucket.
        causal: whether all buckets are for earlier tokens.

    >>> x = keras.Input((5, 16))
    >>> bias = layers.RelativePositionBias(heads=4)(x)
    >>> bias.shape, layers.MultiHeadAttention(heads=4)(x, bias=bias).shape
    ((1, 4, 5, 5), (None, 5, 16))
    """

    def __init__(self, heads: int, buckets: int = 32, max_distance: int = 128, causal: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.buckets = buckets
        self.max_distance = max_distance
        self.causal = causal

    def build(self, x_shape, positions_shape=None):
        normal = keras.initializers.RandomNormal(stddev=x_shape[-1] ** -0.5)  # as in T5's released code
        self.embeddings = self.add_weight((self.buckets, self.heads), initializer=normal, name="embeddings")

    def call(self, x: Tensor, positions: Tensor | None = None, cache: LayerCache | None = None) -> Tensor:
        """The bias for (batch, time, width) features.

        Args:
            positions: (batch, time) integers; None: tokens count from 0.
            cache: a `LayerCache`, which has the positions of earlier tokens.
        """
        if cache is not None:
            return self._call_cached(x, cache)
        if positions is None:
            positions = ops.arange(ops.shape(x)[1])[None]
        return self._bias(positions, positions)

    def compute_mask(self, inputs, previous_mask=None):
        """None: the bias is that of all tokens; attention masks them itself."""

    def _call_cached(self, x, cache: LayerCache):
        if cache.state is None:  # prefill: the prompt attends to itself alone
            cache.state = (cache.context.positions[:, :1],)
            return self.call(x)
        return self._bias(cache.positions(), cache.context.positions)

    def _bias(self, query_BT, key_BS):
        """The bias for positions of queries and keys."""
        distance_BTS = ops.cast(key_BS[:, None], "int32") - ops.cast(query_BT[..., None], "int32")
        bucket_BTS = ops.take(self._bucket_of_distance(), ops.clip(ops.abs(distance_BTS), 0, self.max_distance))
        if self.causal:
            bucket_BTS = ops.where(distance_BTS > 0, 0, bucket_BTS)
        else:
            bucket_BTS = ops.where(distance_BTS > 0, self.buckets // 2, 0) + bucket_BTS
        return ops.transpose(ops.take(self.embeddings, bucket_BTS, axis=0), (0, 3, 1, 2))

    def _bucket_of_distance(self):
        """The bucket of each distance from 0 to `max_distance`, an array."""
        buckets = self.buckets if self.causal else self.buckets // 2
        exact = buckets // 2
        distance = np.arange(self.max_distance + 1)
        growth = np.log(np.maximum(distance, 1).astype("float32") / exact) / np.log(self.max_distance / exact)
        geometric = exact + (growth * (buckets - exact)).astype("int32")
        return np.where(distance < exact, distance, np.minimum(geometric, buckets - 1)).astype("int32")

    def compute_output_spec(self, x, positions=None):
        batch, time = (1, x.shape[1]) if positions is None else positions.shape
        return keras.KerasTensor((batch, self.heads, time, time), dtype=self.compute_dtype)
