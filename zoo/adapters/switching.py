"""Several LoRA adapters on one backbone in memory: a pipeline for each, by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from zoo.adapters.adapter import Adapter
from zoo.adapters.merging import Backbone, merge
from zoo.adapters.updates import LoRAUpdates
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.errors import UserError, unknown


class Adapters:
    """Pipelines that share a backbone, by name: `adapters["intents"].predict("play some jazz")`.

    Only one adapter is active at a time: the use of a pipeline activates its adapter. Threads must not use two
    pipelines at once.

    Args:
        folder: the backbone, of the zoo or of Hugging Face transformers.
    """

    def __init__(self, folder: str | Path):
        self.backbone = Backbone(folder)
        self.pipelines: dict[str, AdapterPipeline] = {}
        self.active: LoRAUpdates | None = None

    def add(self, name: str, adapter: str | Path) -> "Adapters":
        """Load an adapter, from its file or its model folder, under a name; returns self.

        Raises UserError where the name is taken, the file cannot be read, or the adapter was trained on another
        backbone.
        """
        if name in self.pipelines:
            raise UserError(f"Expected a new name for an adapter. Received: {name!r}, which is taken.")
        loaded = Adapter.load(adapter)
        self.activate(None)
        self.pipelines[name] = AdapterPipeline(self, adapter, *self.backbone.attach(loaded))
        self.active = self.pipelines[name].updates
        return self

    def remove(self, name: str) -> None:
        """Remove an adapter. Raises UserError for an unknown name."""
        if self.active is self[name].updates:
            self.activate(None)
        del self.pipelines[name]

    def activate(self, updates: LoRAUpdates | None) -> None:
        """Enable these updates of the backbone's kernels, and disable the active ones; None: the plain backbone."""
        if self.active is not updates:
            if self.active:
                self.active.disable()
            if updates:
                updates.enable()
            self.active = updates

    def __getitem__(self, name: str) -> "AdapterPipeline":
        if name not in self.pipelines:
            raise UserError(unknown("adapter", name, list(self.pipelines)))
        return self.pipelines[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.pipelines)


class AdapterPipeline(Pipeline):
    """The pipeline of an adapter, which any use of `model` activates; `save` and `export` write the merged model."""

    def __init__(self, adapters: Adapters, source: str | Path, pipeline: Pipeline, updates: LoRAUpdates):
        self.adapters, self.source, self.updates = adapters, source, updates
        super().__init__(pipeline.model, pipeline.preset, pipeline.tokenizer)

    @property
    def model(self) -> keras.Model:
        self.adapters.activate(self.updates)
        return self._model

    @model.setter
    def model(self, model: keras.Model) -> None:
        self._model = model

    def merged(self) -> Pipeline:
        """A new pipeline with a backbone of its own, into which the adapter is merged."""
        return merge(self.adapters.backbone.name, self.source)

    def save(self, folder: str | Path) -> None:
        self.merged().save(folder)

    def export(self, folder: str | Path, *arguments: Any, **options: Any) -> Path:
        return self.merged().export(folder, *arguments, **options)
