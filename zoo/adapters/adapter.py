"""LoRA adapter file: safetensors named by weight path, with a preset and the fingerprint of the backbone."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save

from zoo import config
from zoo.checkpoints.safetensors import PICKLES, open_tensors
from zoo.pipeline.digests import check_digests
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file

FILE = "adapter.safetensors"  # in a model folder


@dataclass(frozen=True)
class Adapter:
    """LoRA adapter: the trained weights on a frozen backbone, which are updates of its kernels and a head."""

    preset: Preset  # with the labels of the head
    backbone: str  # fingerprint of the backbone
    tensors: dict[str, np.ndarray]  # float32: PATH.a and PATH.b of an update, PATH of a weight of the head

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        metadata = {"format": "zoo", "backbone": self.backbone, "preset": config.to_json(self.preset)}
        with atomic_file(path) as file:
            file.write(save(self.tensors, metadata))

    @classmethod
    def load(cls, path: str | Path) -> "Adapter":
        """Load an adapter from its file or its model folder. Raises UserError, naming the file, for any other file."""
        if Path(path).is_dir():
            check_digests(Path(path), [FILE])
            path = Path(path) / FILE
        path = Path(path)
        if path.suffix in PICKLES:
            raise UserError(f"Expected an adapter in safetensors. Received: {path}, a pickle, which is never read.")
        if not path.is_file():
            raise UserError(
                f"Expected an adapter, {FILE} of a run with lora.rank. Received: {path}, which does not exist."
            )
        with open_tensors(path) as file:
            names, metadata = file.keys(), file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in names}
        if metadata.get("format") != "zoo":
            raise UserError(f"Expected an adapter, {FILE} of a run with lora.rank. Received: {path}, other tensors.")
        return cls(config.from_json(metadata["preset"]), metadata["backbone"], tensors)

    def check_backbone(self, digest: str, name: str | Path) -> None:
        """Raise UserError unless `digest`, the fingerprint of backbone `name`, is that of the adapter's backbone."""
        if digest != self.backbone:
            raise UserError(
                f"Expected the backbone that the adapter was trained on, {self.backbone[:12]} (then "
                f"{self.preset.training.init}). Received: {digest[:12]}, {name}."
            )

    def assign(self, weights: Mapping[str, keras.Variable]) -> None:
        """Assign the tensors to weights, {name: weight}. Raises UserError where names or shapes differ."""
        expected = {name: tuple(weight.shape) for name, weight in weights.items()}
        received = {name: array.shape for name, array in self.tensors.items()}
        if names := sorted({name for name, _ in expected.items() ^ received.items()}):
            name = names[0]
            raise UserError(
                f"Expected {name} of shape {expected.get(name, 'none')} in the adapter. "
                f"Received: {received.get(name, 'none')}."
            )
        for name, weight in weights.items():
            weight.assign(self.tensors[name])


def fingerprint(weights: Iterable[keras.Variable]) -> str:
    """A hash of the paths, shapes and values of weights; the same on each backend."""
    digest = hashlib.blake2b(digest_size=16)
    for weight in sorted(weights, key=lambda weight: weight.path):
        array = array_of(weight)
        digest.update(f"{weight.path}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def array_of(weight: keras.Variable) -> np.ndarray:
    """A copy of a weight's values, as a contiguous float32 array."""
    return np.array(keras.ops.convert_to_numpy(weight.value), "float32", order="C")
