"""Published weights into a network: every tensor used or named, every shape checked before anything is changed."""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.backend.keras_private import set_initializer
from zoo.checkpoints.hf_config import architecture_class, read_config, read_head
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.safetensors import PICKLES, find
from zoo.checkpoints.weight_map import WeightMap, head_layers, is_known, plain
from zoo.runtime.errors import UserError
from zoo.transforms.lazy import forget_weights


@dataclass(frozen=True)
class LoadReport:
    """What found no partner when weights were loaded."""

    fresh: tuple  # paths of the network's weights that keep their values: of a head that the folder does not have
    unused: tuple  # names of the folder's tensors that belong to a head that the network does not have


def load_weights(model, folder, head=True):
    """Give a network the weights in a folder of Hugging Face transformers: config.json and model.safetensors.

    Args:
        model: a `keras.Model`, what an architecture drew, with or without an objective's head.
        folder: its tensors may be of float32, float16 or bfloat16, in one file or several with an index; or a name in
            its place, `hf:OWNER/NAME` or `keras:PRESET`.
        head: False leaves the layers of the head as they are.

    Returns a `LoadReport`. Raises UserError, and changes nothing, where a file is truncated or a pickle, or where a tensor
    is missing, of another shape, or has no place in the network.
    """
    plan = LoadPlan(model.weights, folder, head)
    for weight in model.weights:
        if weight.path in plan.sources:
            weight.assign(plan.read(weight))
    return plan.loaded


def build_with_weights(make, folder, fitting=False):
    """`(model, LoadReport)`: what `make()` draws, with the weights in `folder`; at no time is there more than one set.

    Otherwise as `zoo.load_weights`. With `fitting`, layers of a head whose tensors are of another shape are fresh.
    """
    with keras.StatelessScope():
        model = make()
        try:
            plan = LoadPlan(model.weights, folder, fitting=fitting)
        except ValueError:
            forget_weights(model)
            raise
        for weight in model.weights:
            if weight.path in plan.sources:
                set_initializer(weight, _Read(plan, weight))
    return model, plan.loaded


class LoadPlan:
    """Which tensors become which weights. Raises UserError for whatever does not fit, before a tensor is read.

    With `fitting`, layers of a head stay as they are where their tensors are of another shape.
    """

    def __init__(self, weights, folder, head=True, fitting=False):
        self.folder, self.fitting = resolve(folder), fitting
        if self.folder.suffix in PICKLES:
            raise UserError(f"Expected a folder with safetensors. Received: {folder}, a pickle, which is never read.")
        config = read_config(self.folder)
        self.huggingface = architecture_class(config).huggingface
        self.tensors = {plain(name, self.huggingface): tensor for name, tensor in find(self.folder).items()}
        self.backbone = WeightMap(self.huggingface.layers, self.huggingface.prefix, self.huggingface.transposed)
        self.head = WeightMap(head_layers(self.huggingface, read_head(config), head))
        self.sources = {weight.path: source for weight in weights if (source := self._source(weight))}
        self.loaded = LoadReport(self._fresh(weights), self._unused())

    def read(self, weight):
        """A weight's numbers, float32."""
        source, numbers = self.sources[weight.path], np.empty(tuple(weight.shape), "float32")
        source.fill(numbers, self._tensors(source))
        return numbers

    def _tensors(self, source):
        return [self.tensors.get(plain(name, self.huggingface)) for name in source.tensors]

    def _source(self, weight):
        if source := self.backbone.source(weight.path):
            return self._checked(weight, source)
        source = self.head.source(weight.path)
        if not source or None in self._tensors(source):
            return None
        if self.fitting and self._shape(source) != tuple(weight.shape):
            return None
        return self._checked(weight, source)

    def _shape(self, source):
        return source.shape([tensor.shape for tensor in self._tensors(source)])

    def _checked(self, weight, source):
        """The source. Raises UserError where a tensor of it is missing or of another shape than the weight."""
        found = self._tensors(source)
        if None in found:
            absent = source.tensors[found.index(None)]
            raise UserError(f"Expected the tensor {absent} in {self.folder}, for {weight.path}. Received: none.")
        if (shape := self._shape(source)) != tuple(weight.shape):
            wanted = f"of shape {tuple(weight.shape)}, for {weight.path}"
            raise UserError(f"Expected {source.tensors[0]} in {self.folder} to be {wanted}. Received: {shape}.")
        return source

    def _fresh(self, weights):
        """Weights of the layers that got nothing: of one that got a kernel, a bias may be missing there."""
        given = {path.rpartition("/")[0] for path in self.sources}
        return tuple(weight.path for weight in weights if weight.path.rpartition("/")[0] not in given)

    def _unused(self):
        """Tensors of a head. Raises UserError where others are left over."""
        used = {plain(name, self.huggingface) for source in self.sources.values() for name in source.tensors}
        rest = sorted(set(self.tensors) - used)
        strange = [name for name in rest if not is_known(name, self.huggingface)]
        if strange:
            raise UserError(
                f"The network has no place for {len(strange)} of the tensors in {self.folder}, such as {strange[0]}: "
                f"is it another architecture than {self.huggingface.model_type}, or a smaller one?"
            )
        return tuple(rest)


class _Read:
    """An initializer that reads a weight's numbers."""

    def __init__(self, plan, weight):
        self.plan, self.weight = plan, weight

    def __call__(self, shape, dtype=None):
        return keras.ops.convert_to_tensor(self.plan.read(self.weight), dtype)
