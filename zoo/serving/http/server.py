"""`zoo.serve`: a server of exported models until Ctrl-C; `running_server`: one in a thread, for notebooks and tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath

from zoo.runtime.errors import UserError
from zoo.serving.http.http_server import HttpServer
from zoo.serving.http.server_address import ServerAddress
from zoo.serving.server_settings import ServerSettings
from zoo.serving.service import Service
from zoo.serving.versions.model_loading import open_service
from zoo.serving.versions.version_policy import parse_policy

Folder = str | PathLike[str]
START_SECONDS = 300.0  # to load all models


def serve(
    *folders: Folder,
    address: ServerAddress | None = None,
    settings: ServerSettings | None = None,
    versions: str = "latest",
    labels: Sequence[str] = (),
) -> None:
    """Serve exported models over HTTP until SIGTERM or Ctrl-C.

    Args:
        folders: exports, as FOLDER or NAME=FOLDER: folders of numbered versions, or single SavedModels.
        address: host, port, TLS; default `http://127.0.0.1:8501`.
        settings: limits, token, log.
        versions: latest, latest:N, all, or numbers such as "3,5".
        labels: of versions, as "canary=2" or "MODEL:canary=2".

    Raises UserError for a folder without a SavedModel, a port in use, and where no version can be loaded.
    """
    service = open_service([fspath(folder) for folder in folders], settings, parse_policy(versions, labels))
    server = HttpServer(service, address)
    server.run()
    if server.failure:
        raise cannot_load(server.failure)


@contextmanager
def running_server(
    *folders: Folder, service: Service | None = None, address: ServerAddress | None = None, log: str = "off"
) -> Iterator[str]:
    """Serve in a thread within the context, which begins when every model is ready; yields the URL of the server.

    Args:
        folders: exports, as `serve` takes them.
        service: in place of folders.
        address: default a free port of 127.0.0.1.
        log: format of the access log.

    Raises UserError as `serve` does.
    """
    service = service or open_service([fspath(folder) for folder in folders], ServerSettings(log=log))
    ready = threading.Event()
    server = HttpServer(service, address or ServerAddress(port=0), ready.set)
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    try:
        _wait_until_ready(server, thread, ready)
        yield server.url
    finally:
        server.stop()
        thread.join()


def cannot_load(failure: str) -> UserError:
    """The error of a server that ended because a model has no version that can be loaded."""
    return UserError(f"Expected a version that can be loaded of each model. Received: {failure}")


def _wait_until_ready(server, thread, ready):
    """Block until every model is loaded. Raises UserError where one cannot be."""
    for _ in range(int(START_SECONDS / 0.05)):
        if ready.wait(0.05):
            return
        if not thread.is_alive():
            raise cannot_load(server.failure)
    raise UserError(f"Expected models that load in {START_SECONDS:g} seconds. Received: some that do not.")
