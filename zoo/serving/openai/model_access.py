"""The served models that generate or embed text: found by name, loaded and ended with their version."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from zoo.runtime.errors import UserError
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.service import Service
from zoo.serving.serving_error import ServingError
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel

if TYPE_CHECKING:
    from zoo.serving.openai.text_model import TextModel

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
        self._failed: weakref.WeakSet[LoadedModel] = weakref.WeakSet()  # whose networks cannot be loaded
        self._lock = threading.Lock()
        service.preparations.append(self.warm_up)

    @contextmanager
    def lease(self, name: Any) -> Iterator[LoadedModel]:
        """The latest version of a model. Raises OpenAIError: 404 for an unknown model, 503 for one that is loading."""
        if not isinstance(name, str):
            raise OpenAIError("Missing required parameter: 'model'.", "model", "missing_required_parameter")
        with ExitStack() as stack:
            try:
                model = stack.enter_context(self.service.lease(name))
            except ServingError as error:
                if name in self.service.registry.names:
                    message = f"The model '{name}' is not loaded yet."
                    raise OpenAIError(message, "model", "model_not_ready", 503) from error
                message = f"The model '{name:.200}' does not exist."
                raise OpenAIError(message, "model", "model_not_found", 404) from error
            yield model

    def models(self) -> list[LoadedModel]:
        """The latest version of each model that generates or embeds text."""
        return list(filter(self.supports, self.service.latest))

    def supports(self, model: LoadedModel) -> bool:
        """Whether a model generates or embeds text here."""
        return embeds(model) or (generates(model) and model not in self._failed)

    async def text_model(self, model: LoadedModel) -> TextModel:
        """The `TextModel` of a leased model. Raises OpenAIError for one that generates no text."""
        if not generates(model):
            message = f"The model '{model.name}' generates no text."
            raise OpenAIError(message, "model", "unsupported_model")
        try:
            return self._text_models.get(model) or await asyncio.to_thread(self.prepare, model)
        except UserError as error:
            message = f"The network of the model '{model.name}' cannot be loaded: the server's log says why."
            raise OpenAIError(message, "model", "unsupported_model") from error

    def warm_up(self, model: LoadedModel) -> None:
        """Load the network of a version, where it generates, and generate a text with it."""
        if generates(model):
            self.prepare(model).warm_up()

    def prepare(self, model: LoadedModel) -> TextModel:
        """Load the network of a model that generates: minutes for a large one. It ends when the version is dropped.

        Raises UserError where it cannot be loaded; a second attempt is not made.
        """
        with self._lock:
            if model in self._failed:
                raise UserError(f"Expected a network that can be loaded. Received: that of {model.name}.")
            if model not in self._text_models:
                self._text_models[model] = text_model = self._load(model)
                weakref.finalize(model, text_model.batch.close, CLOSE_SECONDS)  # also at the end of the process
            return self._text_models[model]

    def _load(self, model):
        from zoo.serving.openai.text_model import load_text_model

        limits = (self.max_rows, self.max_queue, self.service.settings.max_text_characters)
        try:
            text_model = load_text_model(model.folder, *limits)
        except UserError:
            self._failed.add(model)
            raise
        self.service.metrics.watch_generation(model.name, text_model.batch)
        return text_model


def generates(model: LoadedModel) -> bool:
    """Whether a model generates text: its objective has generation defaults."""
    return "generation" in model.objective


def embeds(model: LoadedModel) -> bool:
    """Whether a model makes embeddings of texts: its default signature makes a vector of each text, and no more."""
    signature = model.signatures.get(DEFAULT_SIGNATURE)
    if signature is None or list(signature.outputs) != [VECTOR]:
        return False
    return [spec.dtype for spec in signature.inputs.values()] == ["string"]
