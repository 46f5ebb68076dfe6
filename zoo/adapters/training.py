"""LoRA in a training run: which weights are frozen, which are trained, and the adapter that the run saves."""

from collections.abc import Collection
from pathlib import Path

import keras

from zoo.adapters.adapter import NAME, Adapter, array_of, fingerprint
from zoo.adapters.updates import LoRAUpdates, rebuilt
from zoo.architectures import Architecture
from zoo.presets import LoRA, Preset
from zoo.transforms.lazy import shapes


class LoRATraining:
    """A model with trainable LoRA updates on a frozen backbone, and a trainable head.

    Logits over the vocabulary that were loaded with the backbone are frozen too.

    Args:
        model: the backbone with an objective's head.
        new: paths of its weights that were not loaded with the backbone.

    Attributes:
        model: the model to train.

    Raises UserError where `lora.targets` matches no kernel of the backbone.
    """

    def __init__(self, model: keras.Model, architecture: Architecture, lora: LoRA, new: Collection[str]):
        backbone = set(shapes(architecture.backbone))
        logits = {w.path for w in model.weights if w.path not in new and architecture.vocabulary in w.shape}
        self.head = {w.path: w for w in model.weights if w.path not in backbone | logits}
        self.fingerprint = fingerprint([w for w in model.weights if w.path in backbone])
        self.frozen = {w.path for w in model.trainable_weights if w.path in backbone | logits}
        self.model = model
        self._set_trainable(False)
        self.updates = LoRAUpdates(model, lora, backbone)
        self.model = rebuilt(model)

    def _set_trainable(self, trainable):
        for weight in self.model.weights:
            if weight.path in self.frozen:
                weight.trainable = trainable

    def merged(self) -> keras.Model:
        """The trained model with its updates merged, without LoRA; the adapter remembers them for `save`."""
        trained = self.updates.weights() | self.head
        self.tensors = {name: array_of(weight) for name, weight in trained.items()}
        self.updates.merge()
        self._set_trainable(True)
        return rebuilt(self.model)

    def save(self, folder: Path, preset: Preset) -> None:
        """Write the adapter into a model folder, with the weights at the time of `merged`."""
        Adapter(preset, self.fingerprint, self.tensors).save(folder / NAME)
