"""The registry of served models: every version with its state, leases of requests, atomic switch of versions."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel

ENDED_VERSIONS = 10  # versions in state END of which a model's status still tells


class State(IntEnum):
    """The state of a version, with the number that TensorFlow Serving's GetModelStatus gives it."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """The state of a version, and the error that ended it, where one did."""

    state: State
    code: Code | None = None
    message: str = ""


class Registry:
    """The versions of every model, their states and their labels. Safe to call from any thread.

    Args:
        names: of the models that will be served.
        labels: {model: {label: version}}.
    """

    def __init__(self, names: Iterable[str] = (), labels: Mapping[str, Mapping[str, int]] | None = None):
        self._labels = dict(labels or {})
        self._lock = threading.RLock()
        self._statuses: dict[str, dict[int, VersionStatus]] = {name: {} for name in names}
        self._models: dict[str, dict[int, LoadedModel]] = {name: {} for name in names}
        self._draining: list[LoadedModel] = []

    @property
    def names(self) -> list[str]:
        """The names of the models, in the order in which they were given."""
        return list(self._models)

    @property
    def models(self) -> dict[str, dict[int, LoadedModel]]:
        """{name: {version: model}} of the available versions."""
        with self._lock:
            return {name: dict(versions) for name, versions in self._models.items()}

    @property
    def ready(self) -> bool:
        """Whether every model has an available version."""
        with self._lock:
            return all(self._models.values())

    def labels(self, name: str) -> dict[str, int]:
        """{label: version} of a model."""
        return dict(self._labels.get(name, {}))

    def statuses(self, name: str) -> dict[int, VersionStatus]:
        """{version: status} of a model, the latest version first; empty for an unknown model."""
        with self._lock:
            return dict(sorted(self._statuses.get(name, {}).items(), reverse=True))

    @contextmanager
    def lease(self, name: str, version: int | None = None, label: str = "") -> Iterator[LoadedModel]:
        """The model of a name: that version or label, else the latest. It is not unloaded within the context.

        Raises ServingError with TensorFlow Serving's sentence: NOT_FOUND for an unknown model or version,
        INVALID_ARGUMENT for an unknown label.
        """
        with self._lock:
            model = self._model(name, version, label)
            model.acquire()
        try:
            yield model
        finally:
            model.release()

    def _model(self, name, version, label):
        if label:
            if label not in self._labels.get(name, {}):
                raise ServingError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
            version = self._labels[name][label]
        versions = self._models.get(name, {})
        request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        number = max(versions, default=None) if version is None else version
        if number not in versions:
            raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {request}")
        return versions[number]

    def set_status(self, name: str, version: int, status: VersionStatus) -> None:
        """Set the state of a version that is not available."""
        with self._lock:
            statuses = self._statuses.setdefault(name, {})
            statuses.pop(version, None)  # the order is that of the last change
            statuses[version] = status
            ended = [number for number, status in statuses.items() if status.state is State.END]
            for number in ended[:-ENDED_VERSIONS]:
                del statuses[number]

    def add(self, model: LoadedModel) -> None:
        """Make a loaded and warmed-up version available. From now on it answers, where it is the latest."""
        with self._lock:
            self._models.setdefault(model.name, {})[model.version] = model
            self.set_status(model.name, model.version, VersionStatus(State.AVAILABLE))

    def remove(self, name: str, version: int) -> None:
        """Take a version from new requests. Those that use it go on until `close_drained`."""
        with self._lock:
            self._draining.append(self._models[name].pop(version))
            self.set_status(name, version, VersionStatus(State.UNLOADING))

    def close_drained(self) -> list[LoadedModel]:
        """Close and return the removed versions that no request uses any more."""
        with self._lock:
            drained = [model for model in self._draining if not model.leases]
            self._draining = [model for model in self._draining if model.leases]
        for model in drained:
            model.close()
            with self._lock:
                status = self._statuses[model.name].get(model.version)
                if status and status.state is State.UNLOADING:  # else it is loaded again
                    self.set_status(model.name, model.version, VersionStatus(State.END))
        return drained


def registry_of(models: Mapping[str, Mapping[int, LoadedModel]]) -> Registry:
    """A registry of models that are loaded already, {name: {version: model}}."""
    registry = Registry(models)
    for versions in models.values():
        for model in versions.values():
            registry.add(model)
    return registry
