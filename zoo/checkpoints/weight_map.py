"""Weight mapping: from a network's weights to a checkpoint's tensors, by the mapping in its architecture's file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints.quantized import check_tensors
from zoo.checkpoints.safetensors import Tensor, find_tensors

LEAVES = {
    **dict.fromkeys(("kernel", "gamma", "scale", "embeddings"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
}
PART = re.compile(r"(.+)\[(\d)/(\d)\](.*)")


@dataclass(frozen=True)
class WeightSource:
    """The tensors of a weight: a tensor or a part of it, perhaps transposed, or its sum with single-row tensors."""

    tensors: tuple[str, ...]  # names
    part: tuple[int, int] = (0, 1)  # (index, count) of equal parts along the last axis
    transposed: bool = False

    def shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The weight's shape from the shapes of its tensors; the first tensor's where it has no equal parts."""
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
        for tensor in tensors[1:]:
            out += next(tensor.chunks(0, 1))[1]

    def split(self, array: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
        """Yield (name, index of the part, its array) for the tensors of a weight, the inverse of `load`.

        A sum is split into the weight as the first tensor, and rows of zeros.
        """
        first, *rows = self.tensors
        yield first, self.part[0], array.T if self.transposed else array
        yield from ((name, 0, np.zeros_like(array[:1])) for name in rows)


class WeightMap:
    """The sources of weights, from a table of layers and modules: see `zoo.architectures._pretrained`.

    Args:
        layers: {layer of the zoo: module of transformers}.
        prefix: put before the names of modules.
        transposed: whether kernels are stored (outputs, inputs).
    """

    def __init__(self, layers: Mapping[str, str], prefix: str = "", transposed: bool = True):
        self.prefix, self.transposed = prefix, transposed
        self.patterns = [(_pattern(layer), module) for layer, module in layers.items()]

    def source(self, path: str) -> WeightSource | None:
        """The source of the weight at `path`; None where no layer matches."""
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
    """A tensor's name without the prefix, and with weight and bias for the gamma and beta of early BERT files."""
    for prefix in (mapping.prefix, *(head.prefix for head in mapping.heads.values() if head.prefix)):
        name = name.removeprefix(prefix)
    return re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))


def read_tensors(folder: Path, mapping: HuggingFaceMapping) -> dict[str, Tensor]:
    """{canonical name: tensor} of a folder; where only the copy of a tensor is there, it also stands for the original.

    A bias that has a copy is the copy, which is the one that transformers computes with where the two differ.

    Raises UserError as `find_tensors`, and for quantised weights.
    """
    tensors = find_tensors(folder)
    check_tensors(tensors)
    named = {canonical_name(name, mapping): tensor for name, tensor in tensors.items()}
    copies = {canonical_name(copy, mapping): canonical_name(name, mapping) for copy, name in mapping.copies.items()}
    embedding = f"{mapping.layers['embedding']}.weight"
    for copy, original in (copies | {mapping.output: embedding}).items():
        if copy in named and (original not in named or copy.endswith(".bias")):
            named[original] = named[copy]
    return named


def may_be_unused(name: str, mapping: HuggingFaceMapping) -> bool:
    """Whether a tensor, by its canonical name, may be unused: it belongs to a head, is a copy, or in `ignored`."""
    modules = (module for head in mapping.heads.values() for module in head.layers.values())
    heads = {canonical_name(module, mapping) for module in modules}
    if heads & {name, name.rpartition(".")[0]} or name == mapping.output or name in mapping.copies:
        return True
    return any(_pattern(ignored).fullmatch(name) for ignored in mapping.ignored)


def head_layers(mapping: HuggingFaceMapping, head: HeadMapping | None) -> dict[str, str]:
    """{layer: module} of `head`, and of all heads the modules under the prefix, which any checkpoint may have."""
    layers = {layer: module for any_head in mapping.heads.values() for layer, module in any_head.layers.items()}
    below_prefix = {layer: module for layer, module in layers.items() if module.startswith(mapping.prefix or "/")}
    return {**below_prefix, **(head.all_layers if head else {})}


def _pattern(text):
    return re.compile(re.escape(text).replace(r"\{i\}", r"(\d+)"))


def _numbered(module, match):
    return module.replace("{i}", match[1]) if match.groups() else module
