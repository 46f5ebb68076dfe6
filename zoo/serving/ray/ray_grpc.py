"""gRPC on Ray Serve: the methods of `zoo.serving.grpc`, routed to replicas as bytes.

Ray's proxies import this module too: with messages as bytes they need neither TensorFlow nor the messages' classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

METHODS = {
    "tensorflow.serving.PredictionService": ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"),
    "tensorflow.serving.ModelService": ("GetModelStatus", "HandleReloadConfigRequest"),
    "inference.GRPCInferenceService": (
        *("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer"),
        "RepositoryIndex",
    ),
    "grpc.health.v1.Health": ("Check",),
}
ADD_SERVICES = "zoo.serving.ray.ray_grpc.add_services"


def add_services(servicer: Any, server: Any) -> None:
    """Add all methods, from bytes to bytes, to a server of Ray, which calls the replica's method of the same name."""
    import grpc

    for service, names in METHODS.items():
        handlers = {name: grpc.unary_unary_rpc_method_handler(getattr(servicer, name)) for name in names}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


class RpcMethods:
    """The methods of `METHODS` for a deployment class of Ray, whose `rpc_handlers` are grpc's generic handlers."""

    rpc_handlers: tuple[Any, ...] = ()

    async def call(self, path: str, data: bytes, context: Any) -> SerializedMessage:
        """The answer of the method at a path such as "/tensorflow.serving.PredictionService/Predict"."""
        details: Any = SimpleNamespace(method=path, invocation_metadata=())
        handler = next(handler for group in self.rpc_handlers if (handler := group.service(details)))
        try:
            return SerializedMessage(await handler.unary_unary(data, RpcContext(context)))
        except AbortedError:  # the status is in the context
            return SerializedMessage(b"")


def _method(path):
    async def method(self, request: bytes, grpc_context: Any) -> SerializedMessage:
        return await self.call(path, request, grpc_context)

    return method


for _service, _names in METHODS.items():
    for _name in _names:
        setattr(RpcMethods, _name, _method(f"/{_service}/{_name}"))


class SerializedMessage:
    """Bytes with the one method of a message that Ray calls."""

    def __init__(self, data: bytes):
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's name)
        """The bytes."""
        return self._data


class AbortedError(Exception):
    """A call has been ended by `RpcContext.abort`."""


class RpcContext:
    """The context of a call on Ray, with the methods of `grpc.aio.ServicerContext` that `zoo.serving.grpc` calls."""

    def __init__(self, context: Any):
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def time_remaining(self) -> None:
        """The deadline of the client, which Ray does not pass on: it cancels the call itself."""

    def set_trailing_metadata(self, metadata: Iterable[tuple[str, str]]) -> None:
        """Set the metadata that follows the answer; Ray concatenates lists."""
        self._context.set_trailing_metadata(list(metadata))

    async def abort(self, code: Any, details: str = "", trailing_metadata: tuple = ()) -> None:
        """End the call with a status. Raises AbortedError."""
        self._context.set_code(code)
        self._context.set_details(details)
        self.set_trailing_metadata(trailing_metadata)
        raise AbortedError
