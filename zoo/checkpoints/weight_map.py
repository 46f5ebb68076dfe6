"""Which tensors of a file a network's weights are, by the tables that stand in its architecture's file."""

import re
from dataclasses import dataclass

import numpy as np

LEAVES = {
    **dict.fromkeys(("kernel", "gamma", "scale", "embeddings", "table"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
}
PART = re.compile(r"(.+)\[(\d)/(\d)\](.*)")


@dataclass(frozen=True)
class Source:
    """Where a weight's numbers are: in one part of a tensor, perhaps turned around, or in a sum with single rows."""

    tensors: tuple  # names
    part: tuple = (0, 1)  # (which, of how many) along the last axis
    turned: bool = False

    def shape(self, shapes):
        """The shape that comes of tensors of these shapes; that of the first where it has no such parts."""
        shape = shapes[0][::-1] if self.turned else shapes[0]
        size, rest = divmod(shape[-1], self.part[1]) if shape else (0, 1)
        return shape if rest else (*shape[:-1], size)

    def fill(self, out, tensors):
        """Write the weight's numbers, from its tensors, into the array `out` of its shape."""
        which, _ = self.part
        rows = out.T if self.turned else out
        across = not self.turned and out.ndim > 1  # a part of the tensor is a part of each of its rows
        start, columns = (0, which * out.shape[-1]) if across else (which * len(rows), 0)
        for row, piece in tensors[0].pieces(start, start + len(rows)):
            cut = piece[..., columns : columns + out.shape[-1]] if across else piece
            rows[row - start : row - start + len(piece)] = cut
        for other in tensors[1:]:
            out += next(other.pieces(0, 1))[1]

    def write(self, array):
        """Yield (name, number of the part, its array) for the tensors that a weight becomes, the inverse of `fill`.

        Of a sum the first tensor is the weight and the others are rows of zeros.
        """
        first, *others = self.tensors
        yield first, self.part[0], array.T if self.turned else array
        yield from ((name, 0, np.zeros_like(array[:1])) for name in others)


class WeightMap:
    """The sources of weights, from rows of layers beside their modules as `zoo.architectures._pretrained` explains them.

    `prefix` comes before every module's name; `transposed` is as in `zoo.architectures._pretrained`, where it is said of the backbone.
    """

    def __init__(self, layers, prefix="", transposed=True):
        self.prefix, self.transposed = prefix, transposed
        self.rows = [(_pattern(layer), module) for layer, module in layers.items()]

    def source(self, path):
        """The `Source` of the weight at `path`, or None."""
        layer, _, leaf = path.rpartition("/")
        for pattern, module in self.rows:
            if match := pattern.fullmatch(path):
                return self._source(_filled(module, match), leaf)
            if (match := pattern.fullmatch(layer)) and leaf in LEAVES:
                names = _filled(module, match).split(" + ")
                return self._source(" + ".join(f"{name}.{LEAVES[leaf]}" for name in names), leaf)
        return None

    def _source(self, names, leaf):
        turned = leaf == "kernel" and self.transposed
        if match := PART.fullmatch(names):
            before, which, count, after = match.groups()
            return Source((self.prefix + before + after,), (int(which), int(count)), turned)
        return Source(tuple(self.prefix + name for name in names.split(" + ")), turned=turned)


def plain(name, huggingface):
    """A tensor's name without its prefix, and as today's files have it: BERT's first ones said gamma and beta."""
    name = name.removeprefix(huggingface.prefix)
    return re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))


def is_known(name, huggingface):
    """Whether a tensor, by its plain name, belongs to some head, or only repeats what is known otherwise."""
    modules = (module for head in huggingface.heads.values() for module in head.layers.values())
    heads = {plain(module, huggingface) for module in modules}
    return bool(heads & {name, name.rpartition(".")[0]}) or any(
        _pattern(copy).fullmatch(name) for copy in huggingface.ignored
    )


def head_layers(huggingface, head, whole=True):
    """Rows for the layers of a head: those under the prefix, which any file may have, and if `whole` the head's own."""
    rows = {layer: module for one in huggingface.heads.values() for layer, module in one.layers.items()}
    shared = {layer: module for layer, module in rows.items() if module.startswith(huggingface.prefix or "/")}
    return {**shared, **(head.layers if head and whole else {})}


def _pattern(text):
    return re.compile(re.escape(text).replace(r"\{i\}", r"(\d+)"))


def _filled(module, match):
    return module.replace("{i}", match[1]) if match.groups() else module
