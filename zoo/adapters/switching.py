"""Several adapters on one backbone in memory, each a pipeline by its name."""

from zoo.adapters.adapter import Adapter
from zoo.adapters.merging import Backbone, merge
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.errors import UserError, unknown


class Adapters:
    """Pipelines that share a backbone, by name: `adapters["intents"].predict("play some jazz")`.

    The kernels have the updates of the pipeline that was asked last; asking another switches to its own, in any order,
    but not in several threads at once.

    Args:
        folder: the backbone, of the zoo or of Hugging Face transformers.
    """

    def __init__(self, folder):
        self.backbone = Backbone(folder)
        self.pipelines, self.on = {}, None

    def add(self, name, adapter):
        """Read an adapter's file, or that in a model's folder, under a name.

        Raises UserError where the name is taken, the file cannot be read or it is for another backbone.
        """
        if name in self.pipelines:
            raise UserError(f"Expected a new name for an adapter. Received: {name!r}, which is taken.")
        read = Adapter.read(adapter)
        self._switch(None)
        self.pipelines[name] = AdapterPipeline(self, adapter, *self.backbone.put(read))
        self.on = self.pipelines[name].updates
        return self

    def remove(self, name):
        """Forget an adapter."""
        if self.on is self[name].updates:
            self._switch(None)
        del self.pipelines[name]

    def __getitem__(self, name):
        if name not in self.pipelines:
            raise UserError(unknown("adapter", name, list(self.pipelines)))
        return self.pipelines[name]

    def __iter__(self):
        return iter(self.pipelines)

    def _switch(self, updates):
        if self.on is not updates:
            if self.on:
                self.on.switch_off()
            if updates:
                updates.switch_on()
            self.on = updates


class AdapterPipeline(Pipeline):
    """A pipeline whose adapter is switched on when its model is asked for; written and exported, it is merged."""

    def __init__(self, adapters, source, pipeline, updates):
        self.adapters, self.source, self.updates = adapters, source, updates
        super().__init__(pipeline.model, pipeline.preset, pipeline.tokenizer)

    @property
    def model(self):
        self.adapters._switch(self.updates)
        return self._model

    @model.setter
    def model(self, model):
        self._model = model

    def merged(self):
        """A pipeline of its own, with the adapter merged."""
        return merge(self.adapters.backbone.name, self.source)

    def write(self, folder):
        self.merged().write(folder)

    def export(self, folder, format="saved_model"):
        return self.merged().export(folder, format)
