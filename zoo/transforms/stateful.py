"""Stateful recurrent layers for truncated back-propagation: each batch starts from the final state of the last one.

Mikolov 2010, https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html. Gradients end at the beginning
of a batch. `zoo.data.contiguous` makes batches that continue one another.
"""

import keras
from keras import ops

from zoo.backend import Tensor
from zoo.layers.recurrent.layer import Recurrent
from zoo.runtime.errors import UserError
from zoo.transforms.graph import Graph, input_like


def make_stateful(model: keras.Model, rows: int) -> keras.Model:
    """A model with the same weights whose recurrent layers keep their state between batches of `rows` rows.

    Its further input `reset`, (rows, 1), is 1 where a row's state is reset and 0 where it continues the previous batch.

    Raises UserError for a model without recurrent layers, or with one in reverse, which needs the end of a text first.
    """
    layers = [layer for layer in model.layers if isinstance(layer, Recurrent)]
    if not layers or any(layer.reverse for layer in layers):
        received = "a layer in reverse" if layers else "none"
        raise UserError(f"objective.stateful=True needs recurrent layers that read forwards. Received: {received}.")
    inputs = {tensor.name: input_like(tensor) for tensor in model.inputs}
    reset = keras.Input((1,), name="reset")

    def call(step, *args, **kwargs):
        if isinstance(step.layer, Recurrent):
            return StatefulRecurrent(step.layer, rows, name=f"{step.layer.name}_stateful")(reset, *args, **kwargs)
        return step.layer(*args, **kwargs)

    return keras.Model(inputs | {"reset": reset}, Graph(model).run(inputs, call))


class StatefulRecurrent(keras.layers.Layer):
    """A recurrent layer that keeps its final state for the next batch.

    Args:
        layer: the `zoo.layers.recurrent.layer.Recurrent`.
        rows: rows of every batch.
    """

    def __init__(self, layer: Recurrent, rows: int, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.rows = rows

    def build(self, reset_shape, x_shape=None, padding_mask_shape=None):
        shape = (self.rows, self.layer.units)
        self.states = [
            self.add_weight(shape, "zeros", trainable=False, autocast=False, name=f"state{i}")
            for i in range(self.layer.state_count)
        ]

    def call(self, reset: Tensor, x: Tensor, padding_mask: Tensor | None = None, training: bool = False) -> Tensor:
        initial = [ops.convert_to_tensor(state) * (1 - ops.cast(reset, state.dtype)) for state in self.states]
        y, final = self.layer(x, padding_mask, state=initial)
        if training:
            for state, value in zip(self.states, final, strict=True):
                state.assign(ops.stop_gradient(value))
        return y

    def compute_output_spec(self, reset, x, padding_mask=None, training=False):
        return keras.KerasTensor((*x.shape[:2], self.layer.units), dtype=self.compute_dtype)
