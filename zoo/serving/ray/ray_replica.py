"""A replica of Ray Serve: the application of `zoo.serving.http.app` over a service of its own, with its watcher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from zoo.runtime.errors import UserError
from zoo.serving.grpc.grpc_server import GrpcServer
from zoo.serving.http.app import create_app
from zoo.serving.http.joined_writes import join_writes
from zoo.serving.ray.ray_grpc import RpcMethods
from zoo.serving.server_settings import ServerSettings
from zoo.serving.versions.model_loading import open_service
from zoo.serving.versions.version_policy import VersionPolicy

TICK = 0.05  # seconds between two looks at the state of loading
STOP = "lifespan.shutdown"


class Replica(RpcMethods):
    """The deployment class: it is ready when every model is loaded and warmed up, and healthy while it is ready."""

    async def __init__(
        self, folders: Sequence[str], settings: ServerSettings, policy: VersionPolicy, poll_seconds: float
    ):
        _log_to_standard_error()
        join_writes()  # of the server that Ray starts when this returns
        self.service = open_service(folders, settings, policy, poll_seconds)
        self.service.start()
        while not self.service.ready:
            if failures := self.service.failures:
                reasons = "; ".join(f"{name}: {why}" for name, why in failures.items())
                raise UserError(f"Expected a version that can be loaded of each model. Received: {reasons}")
            await asyncio.sleep(TICK)
        self.rpc_handlers = GrpcServer(self.service, settings.token, settings.max_body_bytes).handlers()

    def __serve_build_asgi_app__(self) -> Any:
        return StartedApplication(self.service)

    def check_health(self) -> None:
        """Raise where a model has no version any more: Ray then starts another replica."""
        if not self.service.registry.ready:
            raise RuntimeError("A model has no version that is available.")


def _log_to_standard_error():
    """Log on standard error, which Ray forwards to the process that serves, with the name of the replica."""
    logger = logging.getLogger("zoo")
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)


class StartedApplication:
    """The ASGI application of a service that has started: its shutdown ends the service, once requests have ended."""

    def __init__(self, service: Any):
        self._service, self._app = service, create_app(service)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan":
            return await self._app(scope, receive, send)
        await receive()
        await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != STOP:
            pass
        await asyncio.to_thread(self._service.close)
        await send({"type": f"{STOP}.complete"})
