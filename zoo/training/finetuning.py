"""Fine-tuning: frozen blocks, gradual unfreezing, layer-wise learning-rate decay and a quantised backbone.

Layer-wise decay: Howard & Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2, and Clark 2020,
https://arxiv.org/abs/2003.10555, table 6. Gradual unfreezing: Howard & Ruder 2018, section 3.3.
"""

import math
from collections.abc import Iterable
from itertools import groupby

import keras

from zoo.architectures import Architecture
from zoo.layers.quantization import WEIGHT_TYPES, quantize_weights
from zoo.presets import Preset, Tuning
from zoo.runtime.errors import UserError, one_of
from zoo.transforms.frozen import block_of_layer

BACKBONE = "backbone"
EMBEDDING = "embedding"  # the word embedding alone, above which dropout stays: Kim 2014's CNN-static
BYTES = {"float32": 4, "int32": 4, "bfloat16": 2, "int8": 1}  # of an element of a weight


def check_tuning(preset: Preset) -> None:
    """Check the fine-tuning settings before the network is built. Raises UserError for a value out of range."""
    tuning, freeze = preset.tuning, str(preset.tuning.freeze)
    if freeze not in ("", BACKBONE, EMBEDDING) and not freeze.isdecimal():
        expected = f"{BACKBONE!r}, {EMBEDDING!r} or a number of blocks"
        raise UserError(f"Expected tuning.freeze to be {expected}. Received: {freeze!r}.")
    if not 0 < tuning.layer_decay <= 1:
        raise UserError(f"Expected tuning.layer_decay to be above 0, up to 1. Received: {tuning.layer_decay}.")
    if not 0 <= tuning.unfreeze_every < math.inf:
        raise UserError(f"Expected tuning.unfreeze_every to be 0 or more epochs. Received: {tuning.unfreeze_every}.")
    if tuning.unfreeze_every and freeze == BACKBONE:
        raise UserError(f"tuning.freeze={BACKBONE} and tuning.unfreeze_every contradict each other. Received: both.")
    if preset.lora.rank and (freeze or tuning.unfreeze_every):
        raise UserError(
            "lora.rank freezes the backbone: leave out tuning.freeze and tuning.unfreeze_every. Received: both."
        )
    if tuning.unfreeze_every and preset.training.max_steps:
        raise UserError("tuning.unfreeze_every counts epochs: give training.epochs. Received: training.max_steps too.")
    quantized = one_of("tuning.quantize", tuning.quantize, WEIGHT_TYPES) != WEIGHT_TYPES[0]
    if quantized and not (preset.lora.rank or freeze):
        received = f"Received: tuning.quantize={tuning.quantize} where all weights are trainable."
        raise UserError(f"tuning.quantize is for frozen weights: give lora.rank or tuning.freeze. {received}")


class BlockFreezer:
    """Freezes and unfreezes blocks of a model, and computes each weight's learning-rate factor.

    Args:
        tuning: the fine-tuning settings of a preset.
        architecture: of the model's backbone.
        model: with a head.

    `lr_scales` is {path of a weight: factor of its learning rate}, for `zoo.training.optimizer.LayerwiseAdamW`.
    Raises UserError where `tuning.freeze` exceeds the number of blocks, or leaves nothing trainable.
    """

    def __init__(self, tuning: Tuning, architecture: Architecture, model: keras.Model) -> None:
        self.tuning, self.model = tuning, model
        self.frozen: list[keras.Variable] = []
        self.blocks: dict[str, int] = {} if tuning == Tuning() else block_of_layer(architecture)
        self.highest = max(self.blocks.values(), default=0)
        self.embedding = {architecture.word_embedding} if tuning.freeze == EMBEDDING else set()
        if self.embedding - {layer.name for layer in model.layers}:
            name = type(architecture).__name__
            raise UserError(f"Expected a network with word embeddings. Received: tuning.freeze={EMBEDDING} of {name}.")
        self.lowest = self._always_frozen(type(architecture).__name__)
        self.lr_scales = self._lr_scales()
        trainable = len(model.trainable_weights)
        self.freeze_up_to(self.lowest)
        if trainable and not model.trainable_weights:
            raise UserError(
                "Nothing is trainable, because the head has no weights of its own. "
                f"Received: tuning.freeze={tuning.freeze}."
            )

    def _always_frozen(self, name):
        """The highest block that is frozen in every epoch; -1: none."""
        freeze = str(self.tuning.freeze)
        if not freeze.isdecimal():
            return self.highest if freeze == BACKBONE else -1
        if int(freeze) > self.highest:
            raise UserError(
                f"Expected tuning.freeze to be at most {self.highest}, the blocks of {name}. Received: {freeze}."
            )
        return int(freeze)

    def _lr_scales(self):
        decay, scales = self.tuning.layer_decay, {}
        for layer in self.model.layers:
            if decay < 1 and layer.name in self.blocks:
                scale = decay ** (self.highest + 1 - self.blocks[layer.name])
                scales |= {weight.path: scale for weight in layer.trainable_weights}
        return scales

    def stages(self, epochs: int, share: float) -> list[tuple[int, int, int]]:
        """Stages of gradual unfreezing: [(highest frozen block, first epoch, epoch after the last)], in order.

        Args:
            epochs: of `fit`, each from one validation to the next.
            share: fraction of all examples that an epoch of `fit` trains on.
        """
        highest = [self._frozen_after(epoch * share) for epoch in range(epochs)]
        groups = [(block, list(numbers)) for block, numbers in groupby(range(epochs), key=highest.__getitem__)]
        return [(block, numbers[0], numbers[-1] + 1) for block, numbers in groups]

    def _frozen_after(self, passes):
        """The highest frozen block after `passes` passes over all examples."""
        every = self.tuning.unfreeze_every
        return max(self.lowest, self.highest - int(passes / every + 1e-6)) if every else self.lowest

    def layer_names(self, block: int) -> set[str]:
        """Names of the layers in all blocks up to `block`."""
        return {name for name, number in self.blocks.items() if number <= block}

    def freeze_up_to(self, block: int) -> None:
        """Freeze all blocks up to `block`, and unfreeze every other weight that was trainable; -1 freezes none."""
        for weight in self.frozen:
            weight.trainable = True
        names = self.layer_names(block) | self.embedding
        self.frozen = [w for layer in self.model.layers if layer.name in names for w in layer.trainable_weights]
        for weight in self.frozen:
            weight.trainable = False

    def quantize(self) -> None:
        """Quantise the frozen weights as `tuning.quantize` says; their exact values are lost."""
        if self.tuning.quantize != WEIGHT_TYPES[0]:
            quantize_weights(self.model, self.tuning.quantize, frozen=True)
            self.freeze_up_to(self.lowest)  # quantised weights are no longer trainable

    def summary(self) -> str:
        """Number of weights, trainable and frozen, and their memory in MB, as text."""
        trainable, total = _count(self.model.trainable_weights), _count(self.model.weights)
        megabytes = sum(math.prod(weight.shape) * BYTES[weight.dtype] for weight in self.model.weights) / 1e6
        return f"{total:,} weights, {trainable:,} trainable and {total - trainable:,} frozen, {megabytes:.1f} MB in all"


def _count(weights: Iterable) -> int:
    """Number of elements of all weights."""
    return sum(math.prod(weight.shape) for weight in weights)
