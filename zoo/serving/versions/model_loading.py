"""A service from folders: the sources, their registry and the watcher that loads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zoo.serving.server_metrics import ServerMetrics
from zoo.serving.server_settings import ServerSettings
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.model_source import model_sources
from zoo.serving.versions.registry import Registry
from zoo.serving.versions.version_policy import VersionPolicy
from zoo.serving.versions.version_watcher import POLL_SECONDS, VersionWatcher


def open_service(
    folders: Iterable[str],
    settings: ServerSettings | None = None,
    policy: VersionPolicy | None = None,
    poll_seconds: float = POLL_SECONDS,
) -> Service:
    """A service of the models in FOLDER or NAME=FOLDER arguments. `Service.start` begins to load them.

    Raises UserError for a folder without a SavedModel, and for a label of another model.
    """
    sources, policy, metrics = model_sources(folders), policy or VersionPolicy(), ServerMetrics()
    names = [source.name for source in sources]
    policy.check_models(names)
    registry = Registry(names, {name: policy.labels_of(name) for name in names})
    preparations: list[Callable[[LoadedModel], None]] = []
    callbacks = {"on_load": metrics.add_version, "on_unload": metrics.remove_version, "preparations": preparations}
    watcher = VersionWatcher(sources, registry, policy, poll_seconds, **callbacks)
    return Service(registry, settings, watcher, metrics, preparations)
