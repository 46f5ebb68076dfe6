"""Layers for packed sequences: an attention mask and a pooling within each example of a row."""

import keras
from keras import ops

from zoo.backend import Tensor
from zoo.layers.pooling import Pooling


@keras.saving.register_keras_serializable(package="zoo")
class ExampleMask(keras.layers.Layer):
    """Attention mask of packed rows: whether two tokens are of the same example.

    Maps example ids, (batch, time) and (batch, source time), to (batch, time, source time) booleans.

    >>> layers.ExampleMask()(keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="int32")).shape
    (None, 5, 5)
    """

    def call(self, example_ids: Tensor, source_ids: Tensor) -> Tensor:
        return ops.equal(example_ids[:, :, None], source_ids[:, None])


class ExamplePooling(keras.layers.Layer):
    """Pools each example of packed rows to one vector: (batch, time, width) to (batch, examples, width).

    Args:
        pooling: the `zoo.layers.pooling.Pooling` of a row with one example.

    >>> pooling = layers.ExamplePooling(layers.Pooling("mean"))
    >>> pooling(keras.Input((5, 16)), keras.Input((5,), dtype="int32"), keras.Input((3,))).shape
    (None, 3, 16)
    """

    def __init__(self, pooling: Pooling, **kwargs):
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, x: Tensor, example_ids: Tensor, example_mask: Tensor) -> Tensor:
        """Pool `x`.

        Args:
            x: (batch, time, width) features.
            example_ids: (batch, time) integers, counted from 1; 0 at padding.
            example_mask: (batch, examples), of which only the shape matters.
        """
        (batch, examples), (time, width) = ops.shape(example_mask), ops.shape(x)[1:]
        ids = ops.arange(1, examples + 1, dtype=example_ids.dtype)[None, :, None]
        mask_BET = ops.equal(example_ids[:, None], ids)
        pooled = self.pooling(ops.repeat(x, examples, axis=0), ops.reshape(mask_BET, (batch * examples, time)))
        return ops.reshape(pooled, (batch, examples, width))

    def compute_output_spec(self, x, example_ids, example_mask):
        return keras.KerasTensor((*example_mask.shape, x.shape[-1]), dtype=self.compute_dtype)
