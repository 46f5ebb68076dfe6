"""LoRA training: freeze the backbone, train low-rank updates and a head, and save them as an adapter."""

from collections.abc import Collection
from pathlib import Path

import keras

from zoo import backend
from zoo.adapters.adapter import FILE, Adapter, array_of, fingerprint
from zoo.adapters.updates import LoRAUpdates, rebuild_model
from zoo.architectures import Architecture
from zoo.presets import LoRA, Preset
from zoo.transforms.lazy import shapes


class LoRATraining:
    """A model with trainable LoRA updates on a frozen backbone, and a trainable head.

    An output layer over the vocabulary is frozen too where it was loaded with the backbone.

    Args:
        model: the backbone of `architecture`, with an objective's head.
        lora: rank, scale, dropout and targets of the updates.
        new: paths of the model's weights that were not loaded with the backbone.

    Attributes:
        model: the model to train.

    Raises UserError where `lora.targets` matches no kernel of the backbone.
    """

    def __init__(self, model: keras.Model, architecture: Architecture, lora: LoRA, new: Collection[str]):
        backbone = set(shapes(architecture.backbone))
        loaded_logits = {w.path for w in model.weights if w.path not in new and architecture.vocabulary in w.shape}
        self.head = {w.path: w for w in model.weights if w.path not in backbone | loaded_logits}
        with backend.whole_weights(model.weights):
            self.fingerprint = fingerprint([w for w in model.weights if w.path in backbone])
        self.frozen = {w.path for w in model.trainable_weights if w.path in backbone | loaded_logits}
        self.model = model
        self._set_trainable(False)
        self.updates = LoRAUpdates(model, lora, backbone)
        self.model = rebuild_model(model)

    def _set_trainable(self, trainable):
        for weight in self.model.weights:
            if weight.path in self.frozen:
                weight.trainable = trainable

    def merged(self) -> keras.Model:
        """The trained model without LoRA, its updates merged; sets `tensors`, which `save` writes."""
        trained = self.updates.weights() | self.head
        with backend.whole_weights(list(trained.values())):
            self.tensors = {name: array_of(weight) for name, weight in trained.items()}
        self.updates.merge()
        self._set_trainable(True)
        return rebuild_model(self.model)

    def save(self, folder: Path, preset: Preset) -> None:
        """Write the adapter into a model folder, with its weights as of the last call of `merged`."""
        Adapter(preset, self.fingerprint, self.tensors).save(folder / FILE)
