"""Networks of which a part learns no more: which layers are in which block, and a network in two, frozen and not."""

import re
from collections import defaultdict
from functools import cache

import keras

from zoo.transforms.graph import walk
from zoo.transforms.lazy import abstract_model

BLOCK = re.compile(r"[^\W\d_]+\d+(?=_|$)")  # how names of layers in one block begin, such as block0_attention


def blocks(architecture):
    """{name of a layer: the block it is in, counted from 1, or 0 for what stands below the first one}.

    Layers with weights whose names begin with the same word and number are one block. What a block reads is below it,
    so that an encoder's blocks come before its decoder's, and those that read the same side by side have one number.
    Other layers belong to the highest block that they read. Only layers below the head are named.
    """
    below, groups = defaultdict(set), {}

    def call(layer, *args, **kwargs):
        read = frozenset().union(*(x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, frozenset)))
        given = read
        if getattr(layer, "weights", ()):
            start = BLOCK.match(layer.name)
            group = start[0] if start else layer.name
            below[group] |= read - {group}
            given = frozenset({group})
        groups[layer.name] = given
        return keras.tree.map_structure(lambda _: given, layer.output)

    with abstract_model(architecture.backbone) as backbone:
        walk(backbone, {tensor.name: frozenset() for tensor in backbone.inputs}, call)

    @cache
    def level(group):
        return _highest(level, below[group]) + bool(BLOCK.fullmatch(group))

    return {name: _highest(level, read) for name, read in groups.items()}


def _highest(level, groups):
    return max(map(level, groups), default=0)


def cut(model, frozen):
    """`(lower, upper)`: a model in two, cut above all that gives the same in every epoch.

    That is whatever reads nothing but the model's inputs by layers named in `frozen`, where training is left out, and
    by layers that hold no variables. `lower` reads the model's inputs and gives {name: tensor}; `upper` reads these,
    and inputs that it needs itself, and gives the model's outputs.
    """
    inputs = _inputs_of(model)
    scissors = _Scissors(inputs, frozen)
    outputs = walk(model, inputs, scissors)
    settled = {name: x for name, x in scissors.settled.values() if name in scissors.entrances and name not in inputs}
    read = {name: x for name, x in inputs.items() if name in scissors.read}
    return keras.Model(read, settled), keras.Model(scissors.entrances, outputs)


def _inputs_of(model):
    return {x.name: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in model.inputs}


class _Scissors:
    """What stands in place of each layer's call: it draws both parts at once."""

    def __init__(self, inputs, frozen):
        self.frozen = frozen
        self.settled = {id(x): (name, x) for name, x in inputs.items()}  # of `lower`, or its inputs
        self.entrances = {}  # of `upper`
        self.read = set()  # names of what layers of `lower` read

    def __call__(self, layer, *args, **kwargs):
        given = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)]
        still = layer.name in self.frozen or not getattr(layer, "variables", ())
        if not still or any(id(x) not in self.settled for x in given):
            args, kwargs = keras.tree.map_structure(self._enter, (args, kwargs))
            return layer(*args, **kwargs)
        self.read |= {self.settled[id(x)][0] for x in given}
        outputs = layer(*args, **kwargs)
        for x in keras.tree.flatten(outputs):
            self.settled[id(x)] = (f"{layer.name}_{len(self.settled)}", x)
        return outputs

    def _enter(self, x):
        if id(x) not in self.settled:
            return x
        name, _ = self.settled[id(x)]
        if name not in self.entrances:
            self.entrances[name] = keras.Input(batch_shape=x.shape, dtype=x.dtype, name=name)
        return self.entrances[name]


def still(model, frozen):
    """A twin of a model, with the same weights, in which nothing is left out of the layers named in `frozen`."""
    lower, upper = cut(model, frozen)
    inputs = _inputs_of(model)
    tensors = inputs | Frozen(lower, name="frozen")({name: inputs[name] for name in lower.input})
    return keras.Model(inputs, walk(upper, tensors, lambda layer, *args, **kwargs: layer(*args, **kwargs)))


class Frozen(keras.layers.Layer):
    """A network as a layer that never trains: no dropout, norms as they are."""

    def __init__(self, network, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.network = network

    def call(self, inputs):
        return self.network(inputs, training=False)

    def compute_output_spec(self, inputs):
        return {name: keras.KerasTensor(x.shape, x.dtype) for name, x in self.network.output.items()}
