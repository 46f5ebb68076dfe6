"""How far two tokens are from one another, added to how well they match."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class RelativePositionBias(keras.layers.Layer):
    """A learned number for each head and each bucket of distances: (batch or 1, heads, time, source time).

    Raffel et al. 2020, section 2.1, https://arxiv.org/abs/1910.10683: half of the `buckets` hold one distance each, the
    others grow by a factor up to `max_distance`, beyond which all tokens are equally far. Where a text is read both ways,
    half of them are for later tokens; with `causal` all are for earlier ones.
    """

    def __init__(self, heads, buckets=32, max_distance=128, causal=False, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.buckets = buckets
        self.max_distance = max_distance
        self.causal = causal

    def build(self, x_shape, positions_shape=None):
        initializer = keras.initializers.RandomNormal(stddev=x_shape[-1] ** -0.5)  # as in T5's released code
        self.table = self.add_weight((self.buckets, self.heads), initializer=initializer, name="table")

    def call(self, x, positions=None, cache=None):
        """The bias for (batch, time, width) features; `positions` are (batch, time) integers that count otherwise."""
        if cache is not None:
            return self._going_on(x, cache)
        if positions is None:
            positions = ops.arange(ops.shape(x)[1])[None]
        return self._bias(positions, positions)

    def _going_on(self, x, cache):
        if cache.state is None:  # the beginning of a text looks at itself alone
            cache.state = (cache.context.positions[:, :1],)
            return self.call(x)
        return self._bias(cache.positions(), cache.context.positions)

    def _bias(self, here_BT, there_BS):
        distance_BTS = ops.cast(there_BS[:, None], "int32") - ops.cast(here_BT[..., None], "int32")
        bucket_BTS = ops.take(self._steps(), ops.clip(ops.abs(distance_BTS), 0, self.max_distance))
        if self.causal:
            bucket_BTS = ops.where(distance_BTS > 0, 0, bucket_BTS)
        else:
            bucket_BTS = ops.where(distance_BTS > 0, self.buckets // 2, 0) + bucket_BTS
        return ops.transpose(ops.take(self.table, bucket_BTS, axis=0), (0, 3, 1, 2))

    def _steps(self):
        """The bucket of each distance from 0 to `max_distance`."""
        buckets = self.buckets if self.causal else self.buckets // 2
        exact = buckets // 2
        distance = np.arange(self.max_distance + 1)
        growth = np.log(np.maximum(distance, 1).astype("float32") / exact) / np.log(self.max_distance / exact)
        grown = exact + (growth * (buckets - exact)).astype("int32")
        return np.where(distance < exact, distance, np.minimum(grown, buckets - 1)).astype("int32")

    def compute_output_spec(self, x, positions=None):
        batch, time = (1, x.shape[1]) if positions is None else positions.shape
        return keras.KerasTensor((batch, self.heads, time, time), dtype=self.compute_dtype)
