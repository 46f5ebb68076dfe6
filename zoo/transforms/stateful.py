"""Truncated back-propagation: a recurrent network goes on, in each batch, from where it was at the end of the last one.

Rows of a batch are stretches of one text, and those of the next batch follow them (Mikolov 2010, RNN language models,
https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html). Gradients end at the beginning of a batch.
"""

import keras
import numpy as np
from keras import ops

from zoo.data.batches import Batches
from zoo.layers.recurrent.layer import Recurrent
from zoo.transforms.graph import walk


class ContiguousBatches(Batches):
    """Batches whose rows go on from one to the next; texts that are shorter than a row are left out.

    Raises ValueError where there are not `rows` examples of full length.
    """

    def __init__(self, examples, objective, rows, accumulation=1, seed=0):
        full = np.flatnonzero(examples.sizes[:, 0] == objective.length)
        if len(full) < rows:
            raise ValueError(
                f"Expected at least training.batch={rows} stretches of objective.length={objective.length} tokens. "
                f"Received: {len(full)}."
            )
        self.table = full[: len(full) // rows * rows].reshape(rows, -1)
        super().__init__(examples, objective, rows, accumulation, seed)

    @property
    def _count(self):
        return self.table.shape[1]

    def epoch(self, number):
        """As of `Batches`; the same in every epoch."""
        return [(column, self.buckets[column[0]]) for column in self.table.T[: len(self)]]

    def _group(self, plan, place):
        first = place[1]
        return [
            (inputs | {"fresh": np.full((self.rows, 1), first + i == 0, "float32")}, targets, weights)
            for i, (inputs, targets, weights) in enumerate(super()._group(plan, place))
        ]


def carried(model, rows):
    """A twin of a model whose recurrent layers go on from batch to batch, each of so many rows.

    Where its further input `fresh`, (rows, 1), is 1 they begin anew.

    Raises ValueError where no layer is recurrent, or one reads in reverse: the end of a text is not known yet.
    """
    inputs = {tensor.name: keras.Input((None,), dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs}
    fresh = keras.Input((1,), name="fresh")

    def call(layer, *args, **kwargs):
        if isinstance(layer, Recurrent):
            return StatefulRecurrent(layer, rows, name=f"{layer.name}_carried")(fresh, *args, **kwargs)
        return layer(*args, **kwargs)

    layers = [layer for layer in model.layers if isinstance(layer, Recurrent)]
    if not layers or any(layer.reverse for layer in layers):
        what = "one that reads in reverse" if layers else "none"
        raise ValueError(f"carry=True needs recurrent layers that read forwards. Received: {what}.")
    return keras.Model(inputs | {"fresh": fresh}, walk(model, inputs, call))


class StatefulRecurrent(keras.layers.Layer):
    """A recurrent layer that keeps its state for the next batch."""

    def __init__(self, layer, rows, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.rows = rows

    def build(self, fresh_shape, x_shape=None, visible_shape=None):
        shape = (self.rows, self.layer.units)
        self.states = [
            self.add_weight(shape, "zeros", trainable=False, autocast=False, name=f"state{i}")
            for i in range(self.layer.states)
        ]

    def call(self, fresh, x, visible=None, training=False):
        begin = [ops.convert_to_tensor(state) * (1 - ops.cast(fresh, state.dtype)) for state in self.states]
        y, end = self.layer(x, visible, state=begin)
        if training:
            for state, new in zip(self.states, end, strict=True):
                state.assign(ops.stop_gradient(new))
        return y

    def compute_output_spec(self, fresh, x, visible=None, training=False):
        return keras.KerasTensor((*x.shape[:2], self.layer.units), dtype=self.compute_dtype)
