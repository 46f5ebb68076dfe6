"""Truncated back-propagation: a recurrent network goes on, in each batch, from where it was at the end of the last one.

Rows of a batch are stretches of one text, and those of the next batch follow them (Mikolov 2010, RNN language models,
https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html). Gradients end at the beginning of a batch.
"""

import keras
from keras import ops

from zoo.layers.recurrent.layer import Recurrent
from zoo.runtime.errors import UserError
from zoo.transforms.graph import walk


def carried(model, rows):
    """A twin of a model whose recurrent layers go on from batch to batch, each of so many rows.

    Where its further input `reset`, (rows, 1), is 1 they begin anew.

    Raises UserError where no layer is recurrent, or one reads in reverse: the end of a text is not known yet.
    """
    inputs = {tensor.name: keras.Input((None,), dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs}
    reset = keras.Input((1,), name="reset")

    def call(layer, *args, **kwargs):
        if isinstance(layer, Recurrent):
            return StatefulRecurrent(layer, rows, name=f"{layer.name}_carried")(reset, *args, **kwargs)
        return layer(*args, **kwargs)

    layers = [layer for layer in model.layers if isinstance(layer, Recurrent)]
    if not layers or any(layer.reverse for layer in layers):
        what = "one that reads in reverse" if layers else "none"
        raise UserError(f"carry=True needs recurrent layers that read forwards. Received: {what}.")
    return keras.Model(inputs | {"reset": reset}, walk(model, inputs, call))


class StatefulRecurrent(keras.layers.Layer):
    """A recurrent layer that keeps its state for the next batch."""

    def __init__(self, layer, rows, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.rows = rows

    def build(self, reset_shape, x_shape=None, padding_mask_shape=None):
        shape = (self.rows, self.layer.units)
        self.states = [
            self.add_weight(shape, "zeros", trainable=False, autocast=False, name=f"state{i}")
            for i in range(self.layer.states)
        ]

    def call(self, reset, x, padding_mask=None, training=False):
        begin = [ops.convert_to_tensor(state) * (1 - ops.cast(reset, state.dtype)) for state in self.states]
        y, end = self.layer(x, padding_mask, state=begin)
        if training:
            for state, new in zip(self.states, end, strict=True):
                state.assign(ops.stop_gradient(new))
        return y

    def compute_output_spec(self, reset, x, padding_mask=None, training=False):
        return keras.KerasTensor((*x.shape[:2], self.layer.units), dtype=self.compute_dtype)
