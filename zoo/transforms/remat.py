"""Gradient checkpointing: the blocks of a network are computed again in the backward pass, to save memory.

Chen et al. 2016, arXiv:1604.06174. Of each block only the inputs are stored, instead of all activations within.
"""

import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from typing import Any

import keras

from zoo import backend
from zoo.backend import Tensor
from zoo.backend.keras_private import implicit_mask
from zoo.runtime.errors import UserError
from zoo.transforms.graph import Graph, Step, TensorRef, input_like


def remat_blocks(model: keras.Model, blocks: str) -> keras.Model:
    """A model with the same weights and outputs that computes each block again in the backward pass.

    Args:
        blocks: regular expression: layers belong to one block where it matches the same beginning of their names. A
            block of layers that are called several times is a block at each call.

    Raises UserError for a model in which blocks read each other, or tensors carry Keras's implicit masks.
    """
    graph = Graph(model)
    inputs = {tensor.name: input_like(tensor) for tensor in model.inputs}
    values = {graph.inputs[name]: tensor for name, tensor in inputs.items()}
    pattern = re.compile(blocks)
    groups = _ordered(_groups(graph.steps, pattern))
    readers = Counter(keras.tree.flatten(graph.outputs))
    for group in groups:
        readers.update({reference for step in group for reference in step.reads()})
    for number, group in enumerate(groups):
        if pattern.match(group[0].layer.name):
            _call_block(group, values, readers, f"remat{number}")
        else:
            group[0].run(values)
    return keras.Model(inputs, graph.outputs_of(values))


def _groups(steps: list[Step], pattern: re.Pattern) -> list[list[Step]]:
    """The steps of each call of a block; a step outside the blocks is alone."""
    calls, groups = Counter(), {}
    for step in steps:
        match = pattern.match(step.layer.name)
        calls[step.layer.name] += 1
        groups.setdefault((match[0], calls[step.layer.name]) if match else step, []).append(step)
    return list(groups.values())


def _ordered(groups: list[list[Step]]) -> list[list[Step]]:
    """The groups in an order in which each follows those whose outputs it reads."""
    source = {reference: number for number, group in enumerate(groups) for step in group for reference in step.outputs}
    reads = {
        number: {source[reference] for step in group for reference in step.reads() if reference in source} - {number}
        for number, group in enumerate(groups)
    }
    try:
        return [groups[number] for number in TopologicalSorter(reads).static_order()]
    except CycleError as error:
        names = ", ".join(groups[number][0].layer.name for number in sorted(set(error.args[1])))
        raise UserError(f"training.remat needs blocks that do not read each other. Received: {names}.") from error


def _call_block(steps: list[Step], values: dict[TensorRef, Any], readers: Counter, name: str) -> None:
    """Call the steps of a block as one `Remat` layer, and add the outputs that others read to `values`."""
    internal = {reference for step in steps for reference in step.outputs}
    reads = list(dict.fromkeys(reference for step in steps for reference in step.reads() if reference not in internal))
    tensors = {f"input{i}": values[reference] for i, reference in enumerate(reads)}
    if any(implicit_mask(tensor) is not None for tensor in tensors.values()):
        received = f"an implicit mask of Keras at the layer {steps[0].layer.name!r}"
        raise UserError(f"training.remat needs padding masks that are arguments of layers. Received: {received}.")
    entries = {key: input_like(tensor, key) for key, tensor in tensors.items()}
    inner = dict(zip(reads, entries.values(), strict=True))
    for step in steps:
        step.run(inner)
    readers = readers - Counter({reference for step in steps for reference in step.reads()})
    outputs = {f"output{i}": reference for i, reference in enumerate(r for r in inner if r in internal and readers[r])}
    network = keras.Model(entries, {key: inner[reference] for key, reference in outputs.items()})
    results = Remat(network, name=name)(tensors)
    values.update({reference: results[key] for key, reference in outputs.items()})


class Remat(keras.layers.Layer):
    """A network as a layer that stores no activations while training: the backward pass computes them again."""

    rematerializes = True  # read by compilers of the training step

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.network = network

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        if not training:
            return self.network(inputs, training=False)
        variables, changed = self.network.variables, []

        def run(inputs, values):
            """The outputs, and the new values of variables that change: states of dropout and of recurrent layers."""
            with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)) as scope:
                before = [scope.get_current_value(variable) for variable in variables]
                outputs = self.network(inputs, training=True)
                after = [scope.get_current_value(variable) for variable in variables]
            pairs = zip(variables, before, after, strict=True)
            updates = [(variable, new) for variable, old, new in pairs if new is not old]
            changed[:] = [variable for variable, _ in updates]
            return outputs, [new for _, new in updates]

        outputs, updates = backend.remat(run)(inputs, [variable.value for variable in variables])
        for variable, value in zip(changed, updates, strict=True):
            variable.assign(value)
        return outputs

    def compute_output_spec(self, inputs, training=False):
        return {name: keras.KerasTensor(x.shape, x.dtype) for name, x in self.network.output.items()}
