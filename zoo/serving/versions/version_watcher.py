"""The version watcher: new version folders are loaded, warmed up and switched to; old ones drained and dropped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from zoo.runtime.errors import UserError, single_line
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.freed_memory import exempt_from_collection, return_memory
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.model_source import ModelSource
from zoo.serving.versions.registry import Registry, State, VersionStatus
from zoo.serving.versions.tensorflow_import import import_tensorflow
from zoo.serving.versions.version_files import Fingerprint, fingerprint
from zoo.serving.versions.version_policy import VersionPolicy
from zoo.serving.versions.warm_up import warm_up

POLL_SECONDS = 1.0
STOP_SECONDS = 1.0
MESSAGE_LENGTH = 300  # characters of an error of TensorFlow in the log
logger = logging.getLogger("zoo.serve")


class VersionWatcher:
    """A thread that keeps a registry equal to the folders of its models.

    A version is loaded when its files are complete and equal in two polls (in the first poll: complete). One that
    cannot be loaded is logged once, and tried again when its files change. Versions that the policy drops, and removed
    folders, are unloaded when another version is available.

    Args:
        sources: the models.
        registry: which is filled.
        policy: which versions are served.
        poll_seconds: between two looks at the folders.
        on_load: called with a model that was loaded, and in how many seconds.
        on_unload: called with a model that was closed, unless its version is loaded again.
        preparations: functions of a warmed-up model that run before it is available; an error of theirs is logged.

    Attributes:
        failure: why it cannot load any model; "" where it can.

    Raises UserError for `poll_seconds` that are no time to wait.
    """

    def __init__(
        self,
        sources: Sequence[ModelSource],
        registry: Registry,
        policy: VersionPolicy | None = None,
        poll_seconds: float = POLL_SECONDS,
        on_load: Callable[[LoadedModel, float], None] = lambda model, seconds: None,
        on_unload: Callable[[LoadedModel], None] = lambda model: None,
        preparations: Sequence[Callable[[LoadedModel], None]] = (),
    ):
        self._sources, self._registry, self.failure = sources, registry, ""
        self._policy = policy or VersionPolicy()
        self._poll_seconds = poll_seconds
        if not 0 < poll_seconds <= threading.TIMEOUT_MAX:
            raise UserError(f"Expected --poll-seconds above 0, and finite. Received: {poll_seconds}.")
        self._on_load, self._on_unload, self._preparations = on_load, on_unload, preparations
        self._last: dict[tuple[str, int], Fingerprint] = {}  # of the poll before
        self._failed: dict[tuple[str, int], Fingerprint] = {}
        self._stop = threading.Event()
        self._first_poll = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="version-watcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread, and return whether it has ended: it has not while a model is being loaded."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        return not self._thread.is_alive()

    @property
    def tried(self) -> bool:
        """Whether every model's folder was looked at once: a model without a version now cannot be served."""
        return self._first_poll.is_set()

    def _loop(self):
        try:
            import_tensorflow()  # takes seconds; the server answers /healthz meanwhile
        except UserError as error:
            self.failure = str(error)
            return
        exempt_from_collection()
        while not self._stop.is_set():
            try:
                self.poll()
            except Exception:  # of the disk; the next poll may succeed
                logger.exception("The folders of the models cannot be read.")
            self._stop.wait(self._poll_seconds)

    def poll(self) -> None:
        """Look at the folders once: load, switch, unload."""
        for source in self._sources:
            if not self._stop.is_set():
                self._poll_source(source)
        if drained := self._registry.close_drained():
            for model in drained:
                if model.version not in self._registry.models[model.name]:
                    self._on_unload(model)
                logger.info("Unloaded %s version %d.", model.name, model.version)
            del model, drained
            return_memory()
        self._first_poll.set()

    def _poll_source(self, source):
        folders = source.version_folders()
        complete = {version: files for version, path in folders.items() if (files := fingerprint(path))}
        self._forget_removed(source.name, folders)
        while True:  # until every selected version is loaded: one that fails gives way to the next
            available = set(self._registry.models[source.name])
            loadable = {version for version, files in complete.items() if self._loadable(source, version, files)}
            selected = self._policy.select(source.name, loadable | (available & set(folders)))
            version = max(selected - available, default=None)
            if version is None or self._stop.is_set():
                break
            self._load(source, version, folders[version], complete[version])
        self._unload(source.name, available, selected)
        for version, files in complete.items():
            self._last[source.name, version] = files

    def _loadable(self, source, version, files):
        key = source.name, version
        return self._failed.get(key) != files and (not self.tried or self._last.get(key) == files)

    def _forget_removed(self, name, folders):
        for known in (self._last, self._failed):
            for key in [key for key in known if key[0] == name and key[1] not in folders]:
                del known[key]

    def _load(self, source, version, folder, files):
        name, start = source.name, time.perf_counter()
        self._registry.set_status(name, version, VersionStatus(State.LOADING))
        try:
            model = _load_and_warm_up(name, version, folder)
        except Exception as error:  # whatever a damaged file makes of it
            self._failed[name, version] = files
            code = error.code if isinstance(error, ServingError) else Code.FAILED_PRECONDITION
            message = single_line(str(error))[:MESSAGE_LENGTH]
            self._registry.set_status(name, version, VersionStatus(State.END, code, message))
            logger.error("Cannot load %s version %d: %s", name, version, message)
            return
        self._prepare(model)
        seconds = time.perf_counter() - start
        self._registry.add(model)
        self._on_load(model, seconds)
        logger.info("Loaded %s version %d in %.1f s.", name, version, seconds)

    def _prepare(self, model):
        for prepare in self._preparations:
            try:
                prepare(model)
            except Exception as error:  # the signatures of the SavedModel can be served without it
                reason = single_line(str(error))[:MESSAGE_LENGTH]
                logger.warning("Cannot prepare %s version %d: %s", model.name, model.version, reason)

    def _unload(self, name, available, selected):
        """Unload what the policy does not select, when another version answers."""
        if selected & available:
            for version in sorted(available - selected):
                self._registry.remove(name, version)


def _load_and_warm_up(name, version, folder):
    model = LoadedModel(name, version, folder)
    try:
        if not model.signatures:
            raise UserError(f"Expected a SavedModel with signatures. Received: {folder}, which has none.")
        warm_up(model)
    except BaseException:
        model.close()
        raise
    return model
