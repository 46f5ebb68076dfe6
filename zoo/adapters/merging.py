"""Merge a LoRA adapter into its backbone: updates are added to the kernels, which gives a model without LoRA."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from zoo.adapters.adapter import Adapter, fingerprint
from zoo.adapters.updates import LoRAUpdates, rebuild_model
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.warm_start import load_backbone, warm_start
from zoo.pipeline.pipeline import Pipeline
from zoo.tokenizers.pretrained import Pretrained


class Backbone:
    """A frozen backbone, loaded once, that LoRA adapters are attached to.

    Args:
        name: a folder of the zoo or of transformers, or a name as in `zoo.checkpoints.resolve`.
    """

    def __init__(self, name: str | Path):
        self.name = name
        self.architecture, self.tokenizer, self.model = load_backbone(name)
        self.paths = {weight.path for weight in self.model.weights}
        self.fingerprint = fingerprint(self.model.weights)

    def attach(self, adapter: Adapter) -> tuple[Pipeline, LoRAUpdates]:
        """`(pipeline, updates)`: the backbone with the adapter's head, and the adapter's updates in its kernels.

        Raises UserError where the adapter was trained on another backbone.
        """
        adapter.check_backbone(self.fingerprint, self.name)
        preset = self._preset(adapter.preset)
        build = partial(preset.objective.head, backbone=self.model)
        size = self.tokenizer.vocabulary_size
        model, new = warm_start(build, preset.objective, self.architecture, self.name, size)
        updates = LoRAUpdates(model, preset.lora, self.paths)
        head = {w.path: w for w in model.weights if w.path in new or w.path in adapter.tensors}
        try:
            adapter.assign(updates.weights() | {path: w for path, w in head.items() if path not in self.paths})
        except ValueError:
            updates.disable()
            raise
        return Pipeline(rebuild_model(model), preset, self.tokenizer), updates

    def _preset(self, preset):
        """The adapter's preset, with this folder's architecture and tokenizer."""
        training = replace(preset.training, init=str(self.name))
        tokenizer = Pretrained(folder=str(resolve(self.name).absolute()))
        return replace(preset, architecture=self.architecture, tokenizer=tokenizer, training=training)


def merge(folder: str | Path, adapter: str | Path) -> Pipeline:
    """Merge a LoRA adapter into its backbone; returns the `Pipeline`.

    Args:
        folder: the backbone, of the zoo or of Hugging Face transformers.
        adapter: the file that a run with `lora.rank` wrote, or its model folder.

    Raises UserError where a file cannot be read, or the adapter was trained on another backbone.
    """
    pipeline, updates = Backbone(folder).attach(Adapter.load(adapter))
    updates.merge()
    return Pipeline(rebuild_model(pipeline.model), pipeline.preset, pipeline.tokenizer)
