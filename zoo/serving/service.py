"""The core of serving: predictions of several models, each in several versions, for every API of the server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from zoo.serving.request_limits import check_inputs, rows_of
from zoo.serving.request_record import CURRENT
from zoo.serving.server_metrics import ServerMetrics
from zoo.serving.server_settings import ServerSettings
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.registry import Registry, VersionStatus, registry_of
from zoo.serving.versions.version_watcher import VersionWatcher

RETRY_SECONDS = 1  # Retry-After of a full queue


class Service:
    """Models by name, and their predictions. Every API of the server calls this.

    Args:
        models: a `Registry`, or models that are loaded already: {name: {version: `LoadedModel`}}.
        settings: limits.
        watcher: which fills the registry; None for models that never change.
        metrics: of the server.
        preparations: functions of a model that the watcher calls before a version is available. An API adds its own.

    Attributes:
        registry: the versions, their states and labels.
        settings: the `ServerSettings`.
        metrics: the `ServerMetrics`.
    """

    def __init__(
        self,
        models: Registry | Mapping[str, Mapping[int, LoadedModel]],
        settings: ServerSettings | None = None,
        watcher: VersionWatcher | None = None,
        metrics: ServerMetrics | None = None,
        preparations: list[Callable[[LoadedModel], None]] | None = None,
    ):
        self.registry = models if isinstance(models, Registry) else registry_of(models)
        self.settings = settings or ServerSettings()
        self.metrics = metrics or ServerMetrics()
        self._watcher, self.preparations = watcher, [] if preparations is None else preparations
        self._executor = ThreadPoolExecutor(self.settings.max_concurrent_requests, thread_name_prefix="predict")
        self._unfinished = 0  # predictions that run or wait for a thread
        self._lock = threading.Lock()
        self._draining = False
        self.metrics.watch(self)

    @property
    def models(self) -> dict[str, dict[int, LoadedModel]]:
        """{name: {version: model}} of the available versions."""
        return {name: versions for name, versions in self.registry.models.items() if versions}

    @property
    def latest(self) -> list[LoadedModel]:
        """The latest available version of each model."""
        return [versions[max(versions)] for versions in self.models.values()]

    @property
    def ready(self) -> bool:
        """Whether every model has a version that is loaded and warmed up, and the server is not ending."""
        return self.registry.ready and not self._draining

    @property
    def failures(self) -> dict[str, str]:
        """{name: why} of the models without a version that can be loaded, when their folders were looked at."""
        if self._watcher is None:
            return {}
        if self._watcher.failure:
            return dict.fromkeys(self.registry.names, self._watcher.failure)
        if not self._watcher.tried:
            return {}
        return {name: self._failure(name) for name, versions in self.registry.models.items() if not versions}

    def _failure(self, name):
        messages = [status.message for status in self.statuses(name).values() if status.message]
        return messages[0] if messages else "no complete version"

    @property
    def unfinished(self) -> int:
        """The number of predictions that run or wait for a thread."""
        return self._unfinished

    def statuses(self, name: str) -> dict[int, VersionStatus]:
        """{version: status} of a model, the latest version first; empty for an unknown model."""
        return self.registry.statuses(name)

    @contextmanager
    def lease(self, name: str, version: int | None = None, label: str = "") -> Iterator[LoadedModel]:
        """The model of a name: that version or label, else the latest. It is not unloaded within the context.

        Raises ServingError with TensorFlow Serving's sentence: NOT_FOUND for an unknown model or version,
        INVALID_ARGUMENT for an unknown label.
        """
        with self.registry.lease(name, version, label) as model:
            if record := CURRENT.get():
                record.model, record.version = model.name, model.version
            yield model

    async def run(self, model: LoadedModel, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The outputs of a leased model's signature: `LoadedModel.run` in a thread.

        Raises ServingError: that of `LoadedModel.run`; INVALID_ARGUMENT beyond a limit on rows or characters;
        RESOURCE_EXHAUSTED where the queue is full; DEADLINE_EXCEEDED after the time-out, when the thread goes on.
        """
        spec, rows = model.signature(signature), rows_of(inputs)
        if record := CURRENT.get():
            record.signature, record.rows = spec.name, rows
        check_inputs(inputs, rows, self.settings)
        self.metrics.observe_rows(model.name, spec.name, rows)
        return await self.call(model, partial(model.run, spec.name, inputs))

    async def call(self, model: LoadedModel, function: Callable[[], Any], executor: Executor | None = None) -> Any:
        """What a function that uses a leased model returns. It runs in a thread, and counts as a prediction.

        Args:
            executor: of the thread; None: that of predictions.

        Raises ServingError: RESOURCE_EXHAUSTED where the queue is full; DEADLINE_EXCEEDED after the time-out, when the
        thread goes on.
        """
        future = self._submit(model, function, executor or self._executor)
        answer = asyncio.wrap_future(future)
        done: set[Any] = set()
        try:
            done, _ = await asyncio.wait((answer,), timeout=self.settings.request_timeout)
        finally:
            if not done:  # too late, or the caller has gone away
                future.cancel()  # where it waits for a thread
                answer.cancel()
        if not done:
            raise ServingError(Code.DEADLINE_EXCEEDED, f"No answer in {self.settings.request_timeout:g} seconds.")
        return answer.result()

    def _submit(self, model, function, executor) -> Future:
        limit = self.settings.max_concurrent_requests + self.settings.max_queued_requests
        with self._lock:
            if self._unfinished >= limit:
                raise ServingError(
                    Code.RESOURCE_EXHAUSTED, f"The queue is full: {limit} requests.", retry_after=RETRY_SECONDS
                )
            self._unfinished += 1
        model.acquire()  # beyond the caller's lease, where the thread goes on after a time-out
        future = executor.submit(function)
        future.add_done_callback(lambda _: self._finish(model))
        return future

    def _finish(self, model):
        model.release()
        with self._lock:
            self._unfinished -= 1

    def start(self) -> None:
        """Start to load models, in a thread."""
        if self._watcher:
            self._watcher.start()

    def drain(self) -> None:
        """Answer "not ready" from now on, while requests in flight end."""
        self._draining = True

    def close(self) -> bool:
        """End the threads, but do not wait for those that TensorFlow holds; whether all have ended."""
        self.drain()
        self._executor.shutdown(wait=False, cancel_futures=True)
        loading = self._watcher is not None and not self._watcher.stop()
        return not (loading or self._unfinished)
