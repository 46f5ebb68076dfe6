"""Weight mapping: which tensors of a checkpoint a network's weights are, by the tables in its architecture's file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints.safetensors import Tensor

LEAVES = {
    **dict.fromkeys(("kernel", "gamma", "scale", "embeddings"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
}
PART = re.compile(r"(.+)\[(\d)/(\d)\](.*)")


@dataclass(frozen=True)
class WeightSource:
    """The tensors of one weight: a part of a tensor, perhaps transposed, or its sum with the rows of others."""

    tensors: tuple[str, ...]  # names
    part: tuple[int, int] = (0, 1)  # (index, count) of equal parts along the last axis
    transposed: bool = False

    def shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The weight's shape from the shapes of its tensors; that of the first tensor where it has no such parts."""
        shape = shapes[0][::-1] if self.transposed else shapes[0]
        size, remainder = divmod(shape[-1], self.part[1]) if shape else (0, 1)
        return shape if remainder else (*shape[:-1], size)

    def load(self, out: np.ndarray, tensors: Sequence[Tensor]) -> None:
        """Read the weight from its tensors, chunk by chunk, into the array `out` of its shape."""
        index, _ = self.part
        rows = out.T if self.transposed else out
        by_columns = not self.transposed and out.ndim > 1  # a part of the tensor is a part of each of its rows
        start, column = (0, index * out.shape[-1]) if by_columns else (index * len(rows), 0)
        for row, chunk in tensors[0].chunks(start, start + len(rows)):
            part = chunk[..., column : column + out.shape[-1]] if by_columns else chunk
            rows[row - start : row - start + len(chunk)] = part
        for other in tensors[1:]:
            out += next(other.chunks(0, 1))[1]

    def split(self, array: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
        """Yield (name, index of the part, its array) for the tensors of a weight, the inverse of `load`.

        Of a sum the first tensor is the weight and the others are rows of zeros.
        """
        first, *others = self.tensors
        yield first, self.part[0], array.T if self.transposed else array
        yield from ((name, 0, np.zeros_like(array[:1])) for name in others)


class WeightMap:
    """The sources of weights, from a table of layers and modules: see `zoo.architectures._pretrained`.

    Args:
        layers: {layer of the zoo: module of transformers}.
        prefix: of the modules' names.
        transposed: kernels are stored (outputs, inputs).
    """

    def __init__(self, layers: Mapping[str, str], prefix: str = "", transposed: bool = True):
        self.prefix, self.transposed = prefix, transposed
        self.patterns = [(_pattern(layer), module) for layer, module in layers.items()]

    def source(self, path: str) -> WeightSource | None:
        """The source of the weight at `path`; None where the table has none."""
        layer, _, leaf = path.rpartition("/")
        for pattern, module in self.patterns:
            if match := pattern.fullmatch(path):
                return self._source(_numbered(module, match), leaf)
            if (match := pattern.fullmatch(layer)) and leaf in LEAVES:
                names = _numbered(module, match).split(" + ")
                return self._source(" + ".join(f"{name}.{LEAVES[leaf]}" for name in names), leaf)
        return None

    def _source(self, names, leaf):
        transposed = leaf == "kernel" and self.transposed
        if match := PART.fullmatch(names):
            before, index, count, after = match.groups()
            return WeightSource((self.prefix + before + after,), (int(index), int(count)), transposed)
        return WeightSource(tuple(self.prefix + name for name in names.split(" + ")), transposed=transposed)


def canonical_name(name: str, mapping: HuggingFaceMapping) -> str:
    """A tensor's name without the prefix, and with weight and bias where BERT's first files have gamma and beta."""
    name = name.removeprefix(mapping.prefix)
    return re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))


def may_be_unused(name: str, mapping: HuggingFaceMapping) -> bool:
    """Whether a tensor, by its canonical name, belongs to some head or is in `ignored`."""
    modules = (module for head in mapping.heads.values() for module in head.layers.values())
    heads = {canonical_name(module, mapping) for module in modules}
    if heads & {name, name.rpartition(".")[0]}:
        return True
    return any(_pattern(ignored).fullmatch(name) for ignored in mapping.ignored)


def head_layers(mapping: HuggingFaceMapping, head: HeadMapping | None, with_own: bool = True) -> dict[str, str]:
    """{layer: module} of heads: modules under the prefix, which all files may have; `with_own` those of `head`."""
    layers = {layer: module for each in mapping.heads.values() for layer, module in each.layers.items()}
    below_prefix = {layer: module for layer, module in layers.items() if module.startswith(mapping.prefix or "/")}
    return {**below_prefix, **(head.layers if head and with_own else {})}


def _pattern(text):
    return re.compile(re.escape(text).replace(r"\{i\}", r"(\d+)"))


def _numbered(module, match):
    return module.replace("{i}", match[1]) if match.groups() else module
