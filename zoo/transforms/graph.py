"""The graph of a functional model as a list of steps: one call of a layer each, in the order of execution.

Packing, recurrent state, freezing and cached decoding are passes over these steps, so one definition of a network
serves them all. This file is the only one that walks Keras's own graph.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.backend import keras_private

OUTPUTS = 16  # references for the outputs of a step: an upper bound, no layer has so many


class TensorRef:
    """A reference to one tensor of the graph."""


@dataclass(eq=False)
class Step:
    """One call of a layer.

    Attributes:
        layer: the layer.
        args, kwargs: its arguments, with a `TensorRef` in place of each tensor.
        outputs: a `TensorRef` for each output; those beyond the layer's outputs are never used.
    """

    layer: keras.layers.Layer
    args: tuple
    kwargs: dict[str, Any]
    outputs: list[TensorRef]

    def reads(self) -> list[TensorRef]:
        """References to the tensors that the layer is called with, in order."""
        return [leaf for leaf in keras.tree.flatten((self.args, self.kwargs)) if isinstance(leaf, TensorRef)]

    def run(self, values: dict[TensorRef, Any], call: Callable | None = None) -> None:
        """Call the layer with tensors of `values`, and add its outputs to them.

        Args:
            values: {reference: tensor}.
            call: `call(step, *args, **kwargs)` in place of `step.layer(*args, **kwargs)`.
        """
        args, kwargs = keras.tree.map_structure(
            lambda leaf: values[leaf] if isinstance(leaf, TensorRef) else leaf, (self.args, self.kwargs)
        )
        outputs = call(self, *args, **kwargs) if call else self.layer(*args, **kwargs)
        values.update(zip(self.outputs, keras.tree.flatten(outputs), strict=False))


class Graph:
    """The graph of a functional model: the steps from its inputs to its outputs, with nested models flattened.

    Attributes:
        inputs: {name: reference}.
        steps: in an order in which every step follows the steps whose outputs it reads.
        outputs: references in the structure of the model's outputs.
    """

    def __init__(self, model: keras.Model):
        self.inputs = {tensor.name: TensorRef() for tensor in model.inputs}
        self.steps: list[Step] = []
        self.outputs = _walk(model, list(self.inputs.values()), self._record)

    def _record(self, layer, *args, **kwargs):
        if isinstance(layer, keras.Model) and hasattr(layer, "inputs"):
            return _walk(layer, keras.tree.flatten((args, kwargs))[: len(layer.inputs)], self._record)
        self.steps.append(Step(layer, args, kwargs, [TensorRef() for _ in range(OUTPUTS)]))
        return self.steps[-1].outputs

    def run(self, inputs: Mapping[str, Any], call: Callable | None = None) -> Any:
        """Run the graph on {name of an input: tensor} and return its outputs.

        Symbolic tensors make a model with the same weights.

        Args:
            call: as of `Step.run`.
        """
        return self.outputs_of(self.values(inputs, call))

    def values(self, inputs: Mapping[str, Any], call: Callable | None = None) -> dict[TensorRef, Any]:
        """Run the graph as `run` does, and return {reference: tensor} of all its tensors."""
        values = {self.inputs[name]: tensor for name, tensor in inputs.items()}
        for step in self.steps:
            step.run(values, call)
        return values

    def patch(self, values: Mapping[TensorRef, Any], reference: TensorRef, tensor: Any) -> Any:
        """Activation patching: the outputs with another tensor in place of one of `values`.

        Only the steps that depend on that tensor run again.
        """
        patched, changed = {**values, reference: tensor}, {reference}
        for step in self.steps:
            if not changed.isdisjoint(step.reads()):
                step.run(patched)
                changed.update(step.outputs)
        return self.outputs_of(patched)

    def outputs_of(self, values: Mapping[TensorRef, Any]) -> Any:
        """The outputs among the tensors of the graph, {reference: tensor}."""
        return keras.tree.map_structure(values.__getitem__, self.outputs)


def input_like(tensor: Any, name: str | None = None) -> Any:
    """A `keras.Input` of the same shape and dtype as a symbolic tensor, under its own name or another one."""
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name or tensor.name)


def capture(model: keras.Model, inputs: Mapping[str, Any], layers: Iterable[str]) -> dict[str, Any]:
    """Run a model and capture layers: {name of a layer: (args, kwargs, outputs)} with the tensors of its last call."""
    names, captured = set(layers), {}

    def call(step, *args, **kwargs):
        outputs = step.layer(*args, **kwargs)
        if step.layer.name in names:
            captured[step.layer.name] = (args, kwargs, outputs)
        return outputs

    Graph(model).run(inputs, call)
    return captured


def _walk(model, tensors, call):
    return keras_private.run_graph(model, tensors, lambda layer: lambda *args, **kwargs: call(layer, *args, **kwargs))
