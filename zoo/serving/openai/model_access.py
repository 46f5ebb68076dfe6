"""The served models that generate or embed text: found by name, loaded and ended with their version."""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel

if TYPE_CHECKING:
    from zoo.serving.openai.text_model import TextModel

SETTINGS = Path("assets.extra", "zoo")  # of an export
PRESET = "preset.json"
VECTOR = "vector"  # the output of a signature that embeds
CLOSE_SECONDS = 1.0  # for texts that are being generated: when a version is dropped there are none


class ModelAccess:
    """Access of the OpenAI-compatible API to the models of a service.

    Args:
        service: the `Service`.
        max_rows, max_queue: of each model that generates: texts at once, and requests that wait.
    """

    def __init__(self, service: Service, max_rows: int = 32, max_queue: int = 256):
        self.service, self.max_rows, self.max_queue = service, max_rows, max_queue
        self._text_models: weakref.WeakKeyDictionary[LoadedModel, TextModel] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        service.preparations.append(self.warm_up)

    @contextmanager
    def lease(self, name: Any) -> Iterator[LoadedModel]:
        """The latest version of a model. Raises OpenAIError, 404, for an unknown one."""
        if not isinstance(name, str):
            raise OpenAIError("Missing required parameter: 'model'.", "model", "missing_required_parameter")
        lease = self.service.lease(name)
        try:
            model = lease.__enter__()
        except ServingError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            message = f"The model '{name:.200}' does not exist."
            raise OpenAIError(message, "model", "model_not_found", 404) from error
        try:
            yield model
        finally:
            lease.__exit__(None, None, None)

    def models(self) -> list[LoadedModel]:
        """The latest version of each model that generates or embeds text."""
        latest = [versions[max(versions)] for versions in self.service.models.values() if versions]
        return [model for model in latest if generates(model) or embeds(model)]

    async def text_model(self, model: LoadedModel) -> TextModel:
        """The `TextModel` of a leased model. Raises OpenAIError for one that generates no text."""
        if not generates(model):
            message = f"The model '{model.name}' generates no text."
            raise OpenAIError(message, "model", "unsupported_model")
        return self._text_models.get(model) or await asyncio.to_thread(self.prepare, model)

    def warm_up(self, model: LoadedModel) -> None:
        """Load the network of a version, where it generates, and generate a text with it."""
        if generates(model):
            self.prepare(model).warm_up()

    def prepare(self, model: LoadedModel) -> TextModel:
        """Load the network of a model that generates: minutes for a large one. It ends when the version is dropped."""
        from zoo.serving.openai.text_model import load_text_model

        with self._lock:
            if model not in self._text_models:
                text_model = load_text_model(model.folder, self.max_rows, self.max_queue)
                text_model.batch.on_step = partial(self.service.metrics.observe_generation, model.name)
                self._text_models[model] = text_model
                weakref.finalize(model, text_model.batch.close, CLOSE_SECONDS)  # also at the end of the process
            return self._text_models[model]


def generates(model: LoadedModel) -> bool:
    """Whether a model generates text: its objective has generation defaults."""
    return "generation" in objective_of(model)


def embeds(model: LoadedModel) -> bool:
    """Whether a model makes embeddings of texts."""
    signature = model.signatures.get(DEFAULT_SIGNATURE)
    return signature is not None and list(signature.outputs) == [VECTOR]


def objective_of(model: LoadedModel) -> dict[str, Any]:
    """The objective in the preset of a model's folder; empty for a SavedModel that zoo did not export."""
    for folder in (model.folder / SETTINGS, model.folder, model.folder.parent):
        if (folder / PRESET).is_file():
            return json.loads((folder / PRESET).read_text(encoding="utf-8")).get("objective", {})
    return {}
