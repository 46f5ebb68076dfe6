"""An adapter in a file of its own: safetensors named by weight path, with a preset and its backbone's fingerprint."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from zoo import config
from zoo.checkpoints.safetensors import PICKLES
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file

NAME = "adapter.safetensors"  # in a model's folder


@dataclass(frozen=True)
class Adapter:
    """What was learned upon a backbone: updates of its kernels, and the weights of a head."""

    preset: Preset  # with the labels of the head
    backbone: str  # its fingerprint
    tensors: dict  # name -> float32 array: PATH.a and PATH.b of an update, PATH of a weight of the head

    def write(self, path):
        """Write the file, whole or not at all."""
        metadata = {"format": "zoo", "backbone": self.backbone, "preset": config.to_json(self.preset)}
        with atomic_file(path) as file:
            file.write(save(self.tensors, metadata))

    @classmethod
    def read(cls, path):
        """The adapter in a file, or in a model's folder. Raises UserError, naming the file, for any other file."""
        path = Path(path) / NAME if Path(path).is_dir() else Path(path)
        if path.suffix in PICKLES:
            raise UserError(f"Expected an adapter in safetensors. Received: {path}, a pickle, which is never read.")
        if not path.is_file():
            raise UserError(
                f"Expected an adapter, {NAME} of a run with lora.rank. Received: {path}, which is not there."
            )
        try:
            with safe_open(path, "np") as file:
                names, metadata = file.keys(), file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise UserError(f"Expected a whole adapter. Received: {path}, which is damaged ({error}).") from None
        if metadata.get("format") != "zoo":
            raise UserError(f"Expected an adapter, {NAME} of a run with lora.rank. Received: {path}, other tensors.")
        return cls(config.from_json(metadata["preset"]), metadata["backbone"], tensors)

    def check_backbone(self, found, name):
        """Raise UserError unless the fingerprint `found`, of the folder `name`, is that of the adapter's backbone."""
        if found != self.backbone:
            start = self.preset.training.init
            raise UserError(
                f"Expected the backbone that the adapter learned upon, {self.backbone[:12]} (then {start}). "
                f"Received: {found[:12]}, {name}."
            )

    def fill(self, weights):
        """Give weights, {name: weight}, their numbers. Raises UserError where the names or shapes are others."""
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        found = {name: array.shape for name, array in self.tensors.items()}
        if different := sorted({name for name, _ in shapes.items() ^ found.items()}):
            wanted, given = (of.get(different[0], "none") for of in (shapes, found))
            raise UserError(f"Expected {different[0]} of shape {wanted} in the adapter. Received: {given}.")
        for name, weight in weights.items():
            weight.assign(self.tensors[name])


def fingerprint(weights):
    """A hash of weights: of their paths, shapes and numbers, the same on each backend."""
    found = hashlib.blake2b(digest_size=16)
    for weight in sorted(weights, key=lambda weight: weight.path):
        array = array_of(weight)
        found.update(f"{weight.path}{array.shape}".encode())
        found.update(array.data)
    return found.hexdigest()


def array_of(weight):
    """A weight's numbers: a contiguous float32 array of its own."""
    return np.array(keras.ops.convert_to_numpy(weight.value), "float32", order="C")
