"""Which weights of a network learn, when, and at what pace, as a preset's `Tuning` says.

Layer-wise decay of the learning rate: Howard & Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2, and Clark
2020, https://arxiv.org/abs/2003.10555, table 6. Gradual unfreezing: Howard & Ruder 2018, section 3.3.
"""

import math
from itertools import groupby

from zoo.layers.quantization import PRECISIONS, round_weights
from zoo.presets import Tuning
from zoo.runtime.choice import choose
from zoo.transforms.frozen import blocks

TRUNK = "trunk"
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}  # of one number of a weight


def check_tuning(preset):
    """Raise ValueError for a setting out of its range, before the network is known."""
    tuning, freeze = preset.tuning, str(preset.tuning.freeze)
    if freeze not in ("", TRUNK) and not freeze.isdecimal():
        raise ValueError(f"Expected tuning.freeze to be {TRUNK!r} or a number of blocks. Received: {freeze!r}.")
    if not 0 < tuning.layer_decay <= 1:
        raise ValueError(f"Expected tuning.layer_decay to be above 0, up to 1. Received: {tuning.layer_decay}.")
    if not 0 <= tuning.unfreeze < math.inf:
        raise ValueError(f"Expected tuning.unfreeze to be 0 or more epochs. Received: {tuning.unfreeze}.")
    if tuning.unfreeze and freeze == TRUNK:
        raise ValueError(f"tuning.freeze={TRUNK} and tuning.unfreeze contradict each other. Received: both.")
    if preset.lora.rank and (freeze or tuning.unfreeze):
        raise ValueError("lora.rank freezes all below the head: leave tuning.freeze and unfreeze. Received: both.")
    if tuning.unfreeze and preset.training.steps:
        raise ValueError("tuning.unfreeze counts epochs: give training.epochs. Received: training.steps as well.")
    if choose("tuning.precision", tuning.precision, PRECISIONS) != PRECISIONS[0] and not (preset.lora.rank or freeze):
        received = f"Received: tuning.precision={tuning.precision} where all weights learn."
        raise ValueError(
            f"tuning.precision is of weights that never learn: give lora.rank or tuning.freeze. {received}"
        )


class BlockFreezer:
    """Holds weights of a model still and lets them go; `paces` are those of `zoo.training.optimizer.LayerwiseAdamW`.

    Raises ValueError where more blocks are to be frozen than there are, or where nothing would learn.
    """

    def __init__(self, tuning, architecture, model):
        self.tuning, self.model, self.held = tuning, model, []
        self.blocks = {} if tuning == Tuning() else blocks(architecture)
        self.highest = max(self.blocks.values(), default=0)
        self.lowest = self._always(type(architecture).__name__)
        self.paces = self._paces()
        everything = len(model.trainable_weights)
        self.hold(self.lowest)
        if everything and not model.trainable_weights:
            raise ValueError(
                "Nothing is left to learn, because the head has no weights of its own. "
                f"Received: tuning.freeze={tuning.freeze}."
            )

    def _always(self, name):
        """The highest block that never learns; -1: everything does."""
        freeze = str(self.tuning.freeze)
        if not freeze.isdecimal():
            return self.highest if freeze else -1
        if int(freeze) > self.highest:
            raise ValueError(
                f"Expected tuning.freeze to be at most {self.highest}, the blocks of {name}. Received: {freeze}."
            )
        return int(freeze)

    def _paces(self):
        decay, found = self.tuning.layer_decay, {}
        for layer in self.model.layers:
            if decay < 1 and layer.name in self.blocks:
                pace = decay ** (self.highest + 1 - self.blocks[layer.name])
                found |= {weight.path: pace for weight in layer.trainable_weights}
        return found

    def stages(self, epochs, share):
        """[(highest block that is held, first epoch, epoch after the last)], in order.

        Args:
            epochs: of `fit`, from one validation to the next.
            share: of all examples that is learned from in one of these.
        """
        highest = [self._held_in(epoch * share) for epoch in range(epochs)]
        runs = [(held, list(numbers)) for held, numbers in groupby(range(epochs), key=highest.__getitem__)]
        return [(held, numbers[0], numbers[-1] + 1) for held, numbers in runs]

    def _held_in(self, passes):
        every = self.tuning.unfreeze
        return max(self.lowest, self.highest - int(passes / every + 1e-6)) if every else self.lowest

    def names(self, block):
        """Names of the layers up to a block."""
        return {name for name, own in self.blocks.items() if own <= block}

    def hold(self, block):
        """Let no weight up to this block learn, and every other one that can; -1: all learn."""
        for weight in self.held:
            weight.trainable = True
        names = self.names(block)
        self.held = [w for layer in self.model.layers if layer.name in names for w in layer.trainable_weights]
        for weight in self.held:
            weight.trainable = False

    def round(self):
        """Let what never learns take no more memory than `tuning.precision` asks for; its exact numbers are gone."""
        if self.tuning.precision != PRECISIONS[0]:
            round_weights(self.model, self.tuning.precision, frozen=True)
            self.hold(self.lowest)  # no longer what was rounded

    def count(self):
        """What learns, in words, and the memory of it all."""
        learning, everything = _size(self.model.trainable_weights), _size(self.model.weights)
        counts = f"{everything:,} weights, {learning:,} of them learn and {everything - learning:,} are frozen"
        return f"{counts}, {_size(self.model.weights, BYTES) / 1e6:.1f} MB in all"


def _size(weights, each=None):
    """How many numbers weights hold, or what `each`, {type of a number: so much}, says that these take."""
    return sum(math.prod(weight.shape) * (each[weight.dtype] if each else 1) for weight in weights)
