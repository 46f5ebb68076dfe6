"""Health checking over gRPC, grpc.health.v1: what Kubernetes and load balancers ask."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from zoo.serving.grpc.message_types import ProtoFile, message_classes
from zoo.serving.grpc.rpc_handlers import RpcHandlers, abort, parse
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    import grpc

PACKAGE = "grpc.health.v1"
NAME = f"{PACKAGE}.Health"
SECONDS = 0.2  # between looks at the readiness for a client that watches it

FILE = ProtoFile(
    package=PACKAGE,
    messages={
        "HealthCheckRequest": ("string service = 1",),
        "HealthCheckResponse": (f"{PACKAGE}.HealthCheckResponse.ServingStatus status = 1",),
    },
    enums={
        "HealthCheckResponse.ServingStatus": {"UNKNOWN": 0, "SERVING": 1, "NOT_SERVING": 2, "SERVICE_UNKNOWN": 3},
    },
)


@cache
def messages() -> SimpleNamespace:
    """The classes of the messages, as attributes."""
    return SimpleNamespace(**message_classes(FILE))


class HealthService:
    """The methods of grpc.health.v1.Health. They need no token, as probes have none.

    Args:
        service: the models, which may be ready or not.
        services: names that a client may ask for, beside "" for the whole server.
    """

    def __init__(self, service: Service, services: Collection[str]):
        self.service, self.services = service, {"", *services}
        self.stopping = False

    def handler(self) -> Any:
        """The handler of all methods, as grpc's server takes it."""
        handlers = RpcHandlers(self.service, NAME)
        handlers.add("Check", self.check, messages().HealthCheckRequest, is_open=True)
        handlers.add_stream("Watch", self.watch)
        return handlers.generic_handler()

    async def check(self, request: Any) -> Any:
        """Whether a service is ready. Raises ServingError, NOT_FOUND, for an unknown service."""
        if request.service not in self.services:
            raise ServingError(Code.NOT_FOUND, f"Unknown service {request.service!r}.")
        return messages().HealthCheckResponse(status=self._status(request.service))

    async def watch(self, data: bytes, context: grpc.aio.ServicerContext) -> None:
        """Write the status of a service, and again whenever it changes, until the client or the server goes away."""
        try:
            request = parse(messages().HealthCheckRequest, data)
        except ServingError as error:
            return await abort(context, error)
        previous = ""
        while True:
            is_last, status = self.stopping, self._status(request.service)
            if status != previous:
                await context.write(messages().HealthCheckResponse(status=status).SerializeToString())
            if is_last:
                return None
            previous = status
            await asyncio.sleep(SECONDS)

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and end the streams of those who watch."""
        self.stopping = True

    def _status(self, service):
        if service not in self.services:
            return "SERVICE_UNKNOWN"
        return "SERVING" if self.service.ready and not self.stopping else "NOT_SERVING"
