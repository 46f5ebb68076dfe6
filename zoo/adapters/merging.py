"""A backbone with an adapter merged into it: a model like any other."""

from dataclasses import replace
from functools import partial

from zoo.adapters.adapter import Adapter, fingerprint
from zoo.adapters.updates import LoRAUpdates, renewed
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.warm_start import load_backbone, warm_start
from zoo.pipeline.pipeline import Pipeline
from zoo.tokenizers.pretrained import Pretrained


class Backbone:
    """A network without a head, read once from a folder, that adapters are put upon.

    Args:
        name: a folder of the zoo or of transformers, or a name as in `zoo.checkpoints.resolve`.
    """

    def __init__(self, name):
        self.name = name
        self.architecture, self.tokenizer, self.backbone = load_backbone(name)
        self.paths = {weight.path for weight in self.backbone.weights}
        self.fingerprint = fingerprint(self.backbone.weights)

    def put(self, adapter):
        """`(pipeline, updates)`: the backbone with an adapter's head; its kernels have the adapter's `LoRAUpdates`.

        Raises UserError where it is an adapter for another backbone.
        """
        adapter.check_backbone(self.fingerprint, self.name)
        preset = self._preset(adapter.preset)
        draw = partial(preset.objective.head, backbone=self.backbone)
        model, fresh = warm_start(draw, preset.objective, self.architecture, self.name, self.tokenizer.vocabulary_size)
        updates = LoRAUpdates(model, preset.lora, self.paths)
        head = {w.path: w for w in model.weights if w.path in fresh or w.path in adapter.tensors}
        try:
            adapter.fill(updates.weights() | {path: w for path, w in head.items() if path not in self.paths})
        except ValueError:
            updates.switch_off()
            raise
        return Pipeline(renewed(model), preset, self.tokenizer), updates

    def _preset(self, preset):
        """The preset of an adapter upon this folder."""
        training = replace(preset.training, init=str(self.name))
        tokenizer = Pretrained(folder=str(resolve(self.name).absolute()))
        return replace(preset, architecture=self.architecture, tokenizer=tokenizer, training=training)


def merge(folder, adapter):
    """The `Pipeline` of a backbone with an adapter merged into it.

    Args:
        folder: the backbone, of the zoo or of Hugging Face transformers.
        adapter: the file that a run with `lora.rank` left, or its model's folder.

    Raises UserError where either cannot be read, or the adapter is for another backbone.
    """
    pipeline, updates = Backbone(folder).put(Adapter.read(adapter))
    updates.merge()
    return Pipeline(renewed(pipeline.model), pipeline.preset, pipeline.tokenizer)
