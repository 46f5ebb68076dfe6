"""Layer freezing: the blocks of a network, and a model split into a frozen part and the rest."""

import re
from collections.abc import Collection
from typing import Any

import keras

from zoo.backend import Tensor
from zoo.runtime.errors import UserError
from zoo.transforms.graph import Graph, Step, TensorRef, input_like
from zoo.transforms.lazy import abstract_model


def block_of_layer(architecture: Any) -> dict[str, int]:
    """{name of a layer: its block, counted from 1; 0 below the first block} of a network without a head.

    Layers with weights are one block where `architecture.blocks`, a regular expression, matches the same beginning of
    their names. A block is numbered above all blocks that it reads: an encoder's blocks come before its decoder's, and
    blocks side by side have one number. Other layers belong to the highest block that they read.

    Raises UserError where two blocks read each other.
    """
    pattern, reads, blocks = re.compile(architecture.blocks), {}, set()
    with abstract_model(architecture.backbone) as backbone:
        steps = Graph(backbone).steps
    # the groups of layers that compute each tensor; a layer without weights passes on the groups of its inputs
    groups: dict[TensorRef, frozenset] = {}
    for step in steps:
        sources = frozenset().union(*(groups.get(reference, ()) for reference in step.reads()))
        if getattr(step.layer, "weights", ()):
            match = pattern.match(step.layer.name)
            group = match[0] if match else step.layer.name
            blocks |= {group} if match else set()
            reads.setdefault(group, set()).update(sources - {group})
            sources = frozenset({group})
        groups |= dict.fromkeys(step.outputs, sources)
    levels = _levels(reads, blocks)
    return {step.layer.name: max((levels[group] for group in groups[step.outputs[0]]), default=0) for step in steps}


def _levels(reads, blocks):
    """{group: level}: each group is as high as the highest group that it reads, a block one above it."""
    levels = dict.fromkeys(reads, 0)
    for _ in range(len(levels) + 1):
        before = levels
        levels = {
            group: max((before[source] for source in sources), default=0) + (group in blocks)
            for group, sources in reads.items()
        }
        if levels == before:
            return levels
    raise UserError(f"Expected blocks that do not read each other. Received: {', '.join(sorted(blocks))}.")


def split_frozen(model: keras.Model, frozen: Collection[str]) -> tuple[keras.Model, keras.Model]:
    """Split a model into a frozen part, whose outputs can be cached between epochs, and the other layers.

    The frozen part is as large as can be: it holds layers named in `frozen`, which run without dropout, and layers
    without variables, as long as they read nothing but the model's inputs and each other.

    Returns `(lower, upper)`: `lower` maps the model's inputs to {name: tensor}; `upper` maps these, and inputs of the
    model that it needs itself, to the model's outputs.
    """
    graph = Graph(model)
    inputs = {tensor.name: input_like(tensor) for tensor in model.inputs}
    lower_steps, upper_steps, frozen_outputs = _split(graph, frozen)
    names = {reference: name for name, reference in graph.inputs.items()} | frozen_outputs
    values = {graph.inputs[name]: tensor for name, tensor in inputs.items()}
    for step in lower_steps:
        step.run(values)
    read = {names[reference] for step in lower_steps for reference in step.reads()}
    boundary = _boundary_inputs(graph, upper_steps, names)
    outputs = {names[reference]: values[reference] for reference in boundary if reference in frozen_outputs}
    lower = keras.Model({name: tensor for name, tensor in inputs.items() if name in read}, outputs)
    entries = {reference: input_like(values[reference], names[reference]) for reference in boundary}
    values = dict(entries)
    for step in upper_steps:
        step.run(values)
    outputs = keras.tree.map_structure(values.__getitem__, graph.outputs)
    return lower, keras.Model({names[reference]: tensor for reference, tensor in entries.items()}, outputs)


def _split(graph, frozen) -> tuple[list[Step], list[Step], dict[TensorRef, str]]:
    """`(frozen steps, other steps, {output of a frozen step: name})`."""
    lower, upper, names = [], [], {}
    constant = set(graph.inputs.values())
    for number, step in enumerate(graph.steps):
        is_frozen = step.layer.name in frozen or not getattr(step.layer, "variables", ())
        if is_frozen and constant.issuperset(step.reads()):
            lower.append(step)
            constant.update(step.outputs)
            names |= {output: f"{step.layer.name}_{number}_{i}" for i, output in enumerate(step.outputs)}
        else:
            upper.append(step)
    return lower, upper, names


def _boundary_inputs(graph, steps, names) -> list[TensorRef]:
    """The tensors of the frozen part, or inputs, that the other steps or the outputs of the model read."""
    read = [reference for step in steps for reference in step.reads()]
    return [reference for reference in dict.fromkeys([*read, *keras.tree.flatten(graph.outputs)]) if reference in names]


def freeze_layers(model: keras.Model, frozen: Collection[str]) -> keras.Model:
    """A model with the same weights in which the layers named in `frozen` run without dropout while training."""
    lower, upper = split_frozen(model, frozen)
    inputs = {tensor.name: input_like(tensor) for tensor in model.inputs}
    tensors = inputs | Frozen(lower, name="frozen")({name: inputs[name] for name in lower.input})
    return keras.Model(inputs, Graph(upper).run({name: tensors[name] for name in upper.input}))


class Frozen(keras.layers.Layer):
    """A network as a layer that always runs in inference mode: without dropout, with the norms as they are."""

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.network = network

    def call(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.network(inputs, training=False)

    def compute_output_spec(self, inputs):
        return {name: keras.KerasTensor(x.shape, x.dtype) for name, x in self.network.output.items()}
