"""The core of serving: predictions of several models, each in several versions, for every API of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from zoo.serving.loaded_model import LoadedModel
from zoo.serving.serving_error import Code, ServingError

THREADS = 64  # calls that wait in the batching queue of a graph, each in a thread; the default of asyncio starves it


class Service:
    """Models by name, and their predictions. Every API of the server calls this.

    Attributes:
        models: {name: {version: `LoadedModel`}}.
    """

    def __init__(self, models: dict[str, dict[int, LoadedModel]]):
        self.models = models
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="predict")

    @contextmanager
    def lease(self, name: str, version: int | None = None, label: str = "") -> Iterator[LoadedModel]:
        """The model of a name: that version or label, else the latest. It is not unloaded within the context.

        Raises ServingError with TensorFlow Serving's sentence: NOT_FOUND for an unknown model or version,
        INVALID_ARGUMENT for an unknown label.
        """
        versions = self.models.get(name, {})
        if label:
            raise ServingError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        if version is None and versions:
            version = max(versions)
        if version not in versions:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {request}")
        yield versions[version]

    async def run(self, model: LoadedModel, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a leased model's signature: `LoadedModel.run` in a thread. Raises ServingError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, model.run, signature, inputs)
