"""LoRA within a training run: what is frozen, what learns, and what comes of it."""

from zoo.adapters.adapter import NAME, Adapter, array_of, fingerprint
from zoo.adapters.updates import LoRAUpdates, renewed
from zoo.transforms.lazy import shapes


class LoRATraining:
    """A network that learns low-rank updates of its backbone, and its head as a whole.

    Of the head stay as they are logits over the vocabulary that came with the backbone.

    Args:
        model: a `keras.Model` that an objective drew.
        fresh: paths of its weights that did not come with the backbone.

    `model` is the network to train.
    """

    def __init__(self, model, architecture, lora, fresh):
        backbone = set(shapes(architecture.backbone))
        given = {w.path for w in model.weights if w.path not in fresh and architecture.vocabulary in w.shape}
        self.head = {w.path: w for w in model.weights if w.path not in backbone | given}
        self.fingerprint = fingerprint([w for w in model.weights if w.path in backbone])
        self.held = {w.path for w in model.trainable_weights if w.path in backbone | given}
        self.model = model
        self._let_learn(False)
        self.updates = LoRAUpdates(model, lora, backbone)
        self.model = renewed(model)

    def _let_learn(self, learn):
        for weight in self.model.weights:
            if weight.path in self.held:
                weight.trainable = learn

    def merged(self):
        """The network with its updates merged: one like any other."""
        learned = self.updates.weights() | self.head
        self.tensors = {name: array_of(weight) for name, weight in learned.items()}
        self.updates.merge()
        self._let_learn(True)
        return renewed(self.model)

    def write(self, folder, preset):
        """Write what was learned until `merged` was called, an `Adapter`, into a model's folder."""
        Adapter(preset, self.fingerprint, self.tensors).write(folder / NAME)
