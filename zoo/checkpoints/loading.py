"""Load a checkpoint into a model: all shapes are checked before a weight changes, and unused tensors are reported."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from zoo.backend.keras_private import set_initializer
from zoo.checkpoints.hf_config import architecture_class, mapping_of, read_config, read_head
from zoo.checkpoints.label_order import Order, is_afresh, reordered
from zoo.checkpoints.output_layer import same_values
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.safetensors import PICKLES
from zoo.checkpoints.weight_map import WeightMap, canonical_name, head_layers, may_be_unused, read_tensors
from zoo.runtime.errors import UserError
from zoo.transforms.lazy import forget_weights

ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class LoadReport:
    """Missing and unexpected keys: weights that were not loaded, and tensors that were not used."""

    new: tuple[str, ...]  # paths of weights of a head that the checkpoint lacks
    unused: tuple[str, ...]  # names of tensors that the network lacks: of a head, or `ignored`


def load_weights(model: keras.Model, folder: str | Path, head: bool = True) -> LoadReport:
    """Load a checkpoint of Hugging Face transformers, config.json and model.safetensors, into a model.

    Args:
        model: the backbone of an architecture, with or without an objective's head.
        folder: with tensors of float32, float16 or bfloat16, in one file or several with an index; or a name,
            `hf:OWNER/NAME` or `keras:PRESET`.
        head: False leaves the layers of the head unchanged.

    Raises UserError, and changes nothing, where a file is truncated or a pickle, or a tensor is missing, of another
    shape or unknown to the network.
    """
    plan = LoadPlan(model.weights, resolve(folder), head)
    for weight in model.weights:
        if weight.path in plan.sources:
            weight.assign(plan.load(weight))
    return plan.report


def build_with_weights(
    build: Callable[[], keras.Model],
    folder: Path,
    skip_mismatch: bool = False,
    orders: Mapping[str, Order] = MappingProxyType({}),
) -> tuple[keras.Model, LoadReport]:
    """The model that `build()` builds, initialised from a checkpoint without a second set of weights in memory.

    Args:
        folder: a folder as for `load_weights`, not a name.
        skip_mismatch: weights of a head are new where their tensors have another shape.
        orders: of the classes of a head: see `zoo.checkpoints.label_order`.

    Raises UserError as `load_weights` does.
    """
    with keras.StatelessScope():
        model = build()
        try:
            plan = LoadPlan(model.weights, folder, skip_mismatch=skip_mismatch, orders=orders)
        except ValueError:
            forget_weights(model)
            raise
        loaded = [weight for weight in model.weights if weight.path in plan.sources]
        distributed = keras.distribution.distribution() is not None
        for weight in loaded:
            set_initializer(weight, keras.initializers.Zeros() if distributed else _FromCheckpoint(plan, weight))
    if distributed:  # Keras would compile a program that holds the tensor, to split it
        for weight in loaded:
            weight.assign(plan.load(weight))
    return model, plan.report


class LoadPlan:
    """Which tensors become which weights. Raises UserError for a mismatch, before a tensor is read.

    Args:
        weights: the weights of a model.
        folder: of Hugging Face transformers.
        head: whether the layers of the head are loaded.
        skip_mismatch: weights of a head are new where their tensors have another shape.
        orders: of the classes of a head: see `zoo.checkpoints.label_order`.
    """

    def __init__(
        self,
        weights: Sequence[keras.Variable],
        folder: Path,
        head: bool = True,
        skip_mismatch: bool = False,
        orders: Mapping[str, Order] = MappingProxyType({}),
    ):
        if folder.suffix in PICKLES:
            raise UserError(f"Expected a folder with safetensors. Received: {folder}, a pickle, which is never read.")
        config = read_config(folder)
        self.folder, self.skip_mismatch, self.orders = folder, skip_mismatch, orders
        self.mapping = mapping = mapping_of(architecture_class(config))
        self.tensors = read_tensors(folder, mapping)
        self._check_copies()
        self.backbone = WeightMap(mapping.layers, mapping.prefix, mapping.transposed)
        self.head = WeightMap(head_layers(mapping, read_head(config) if head else None))
        self.sources = {weight.path: source for weight in weights if (source := self._source(weight))}
        self.report = LoadReport(self._new(weights), self._unused())

    def _check_copies(self):
        """Raise UserError where a table that repeats the word vectors differs from them: the zoo shares one table."""
        tables = {copy: name for copy, name in self.mapping.copies.items() if not copy.endswith(".bias")}
        for copy, name in tables.items():
            repeated, original = self.tensors.get(copy), self.tensors.get(name)
            if repeated and original and not same_values(repeated, original):
                raise UserError(
                    f"Expected {copy} in {self.folder} to equal {name}: the zoo has one table for both. "
                    "Received: another table (tie_word_embeddings=false)."
                )

    def load(self, weight: keras.Variable) -> np.ndarray:
        """A weight's values, float32."""
        source, values = self.sources[weight.path], _aligned_array(tuple(weight.shape))
        source.load(values, self._tensors(source))
        return reordered(weight.path, values, self.orders)

    def _tensors(self, source) -> list[Any]:
        return [self.tensors.get(canonical_name(name, self.mapping)) for name in source.tensors]

    def _source(self, weight):
        if source := self.backbone.source(weight.path):
            return self._checked(weight, source)
        source = self.head.source(weight.path)
        if not source or None in self._tensors(source) or is_afresh(weight.path, self.orders):
            return None
        if self.skip_mismatch and self._shape(source) != tuple(weight.shape):
            return None
        return self._checked(weight, source)

    def _shape(self, source):
        return source.shape([tensor.shape for tensor in self._tensors(source)])

    def _checked(self, weight, source):
        """The source. Raises UserError where one of its tensors is missing or has another shape than the weight."""
        tensors = self._tensors(source)
        if None in tensors:
            missing = source.tensors[tensors.index(None)]
            raise UserError(f"Expected the tensor {missing} in {self.folder}, for {weight.path}. Received: none.")
        if (shape := self._shape(source)) != tuple(weight.shape):
            expected = f"of shape {tuple(weight.shape)}, for {weight.path}"
            raise UserError(f"Expected {source.tensors[0]} in {self.folder} to be {expected}. Received: {shape}.")
        return source

    def _new(self, weights):
        """Paths of weights that the checkpoint does not provide; a missing bias of a loaded layer is not reported."""
        loaded = {path.rpartition("/")[0] for path in self.sources}
        return tuple(weight.path for weight in weights if weight.path.rpartition("/")[0] not in loaded)

    def _unused(self):
        """Names of unused tensors. Raises UserError where the mapping does not allow one to be unused."""
        used = {canonical_name(name, self.mapping) for source in self.sources.values() for name in source.tensors}
        unused = sorted(set(self.tensors) - used)
        unknown = [name for name in unused if not may_be_unused(name, self.mapping)]
        if unknown:
            raise UserError(
                f"Expected tensors of the network only. Received: {len(unknown)} others in {self.folder}, such as "
                f"{unknown[0]}: is it another architecture than {self.mapping.model_type}, or a smaller one?"
            )
        return tuple(unused)


def _aligned_array(shape):
    """An uninitialised float32 array in memory aligned to 64 bytes, which JAX takes over without a copy on a CPU."""
    size = 4 * math.prod(shape)
    buffer = np.empty(size + ALIGNMENT, "uint8")
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view("float32").reshape(shape)


class _FromCheckpoint:
    """An initializer that reads a weight from a checkpoint."""

    def __init__(self, plan, weight):
        self.plan, self.weight = plan, weight

    def __call__(self, shape, dtype=None):
        return keras.ops.convert_to_tensor(self.plan.load(self.weight), dtype)
