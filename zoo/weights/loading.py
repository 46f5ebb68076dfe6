"""Published weights into a network: every tensor used or named, every shape checked before anything is changed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.weights.config import architecture_class, read_config, read_head
from zoo.weights.table import Table, head_layers
from zoo.weights.tensors import PICKLES, find


@dataclass(frozen=True)
class Loaded:
    """What found no partner when weights were loaded."""

    fresh: tuple  # paths of the network's weights that keep their values: of a head that the folder does not have
    unused: tuple  # names of the folder's tensors that belong to a head that the network does not have


def load_weights(model, folder, head=True):
    """Give a network the weights in a folder of Hugging Face transformers: config.json and model.safetensors.

    Args:
        model: a `keras.Model`, what an architecture drew, with or without an objective's head.
        folder: its tensors may be of float32, float16 or bfloat16, in one file or several with an index.
        head: False leaves the layers of the head as they are.

    Returns a `Loaded`. Raises ValueError, and changes nothing, where a file is truncated or a pickle, or where a tensor
    is missing, of another shape, or has no place in the network.
    """
    plan = Plan(model.weights, folder, head)
    for weight in model.weights:
        if weight.path in plan.sources:
            weight.assign(plan.read(weight))
    return plan.loaded


class Plan:
    """Which tensors become which weights. Raises ValueError for whatever does not fit, before a tensor is read."""

    def __init__(self, weights, folder, head=True):
        self.folder = Path(folder)
        if self.folder.suffix in PICKLES:
            raise ValueError(f"Expected a folder with safetensors. Received: {folder}, a pickle, which is never read.")
        config = read_config(self.folder)
        self.published = architecture_class(config).published
        found = find(self.folder)
        self.trunk = Table(self.published, self.published.layers)
        self.head = Table(self.published, head_layers(self.published, read_head(config), head))
        self.tensors = {self.trunk.plain(name): tensor for name, tensor in found.items()}
        self.sources = {weight.path: source for weight in weights if (source := self._source(weight))}
        fresh = tuple(weight.path for weight in weights if weight.path not in self.sources)
        self.loaded = Loaded(fresh, self._unused())

    def read(self, weight):
        """A weight's numbers, float32, in memory of their own."""
        source = self.sources[weight.path]
        return np.array(source.read([self.tensors[name].map() for name in source.tensors]), "float32", order="C")

    def _source(self, weight):
        source = self.trunk.source(weight.path)
        optional = source is None
        source = self.head.source(weight.path) if optional else source
        absent = [name for name in source.tensors if name not in self.tensors] if source else []
        if absent and not optional:
            raise ValueError(f"Expected the tensor {absent[0]} in {self.folder}, for {weight.path}. Received: none.")
        if source is None or absent:
            return None
        shape = source.shape([self.tensors[name].shape for name in source.tensors])
        if shape != tuple(weight.shape):
            wanted = f"of shape {tuple(weight.shape)}, for {weight.path}"
            raise ValueError(f"Expected {source.tensors[0]} in {self.folder} to be {wanted}. Received: {shape}.")
        return source

    def _unused(self):
        """Tensors of a head. Raises ValueError where others are left over."""
        used = {name for source in self.sources.values() for name in source.tensors}
        rest = [name for name in self.tensors if name not in used and not self.trunk.is_copy(name)]
        heads = [Table(self.published, one.layers) for one in self.published.heads.values()]
        strange = sorted(name for name in rest if not any(table.holds(name) for table in heads))
        if strange:
            raise ValueError(
                f"The network has no place for {len(strange)} of the tensors in {self.folder}, such as {strange[0]}: "
                f"is it another architecture than {self.published.kind}, or a smaller one?"
            )
        return tuple(sorted(rest))
