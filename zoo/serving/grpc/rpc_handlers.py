"""gRPC method handlers: authentication, parsing, deadlines, status codes, log and metrics around every method."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from zoo.serving.grpc.rpc_observer import REQUEST_ID, RpcObserver
from zoo.serving.http.bearer_token import token_matches
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    import grpc

MAX_DETAILS = 1_000  # bytes of an error message, of which each may take three in headers of at most 8 KiB
PUSHBACK = "grpc-retry-pushback-ms"  # trailing metadata that gRPC's own retries obey

logger = logging.getLogger("zoo.serve")


class RpcHandlers:
    """The handlers of the methods of one gRPC service.

    Each takes and returns bytes, for grpc would answer bytes that are no message with UNKNOWN.

    Args:
        service: the models, whose metrics and log the calls are counted in.
        name: full name of the gRPC service.
        token: bearer token that the metadata of a call must hold as `authorization: Bearer TOKEN`; "" for none.
    """

    def __init__(self, service: Service, name: str, token: str = ""):
        self.name, self.token = name, token
        self.observer = RpcObserver(service.metrics, service.settings.log)
        self._handlers: dict[str, Any] = {}

    def generic_handler(self) -> Any:
        """All methods, as grpc's server takes them."""
        import grpc

        return grpc.method_handlers_generic_handler(self.name, self._handlers)

    def add(self, name: str, method: Callable[[Any], Awaitable[Any]], request_class: Any, is_open: bool = False):
        """Add a method `async (request message) -> response message`.

        A ServingError becomes a status of its code; a deadline that passes is DEADLINE_EXCEEDED; bytes that are no
        message of the class are INVALID_ARGUMENT.

        Args:
            is_open: whether the method is a probe, which needs no token and is not logged.
        """

        async def answer(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
            if not is_open:
                self._check_token(context)
            request = parse(request_class, data)
            response = await asyncio.wait_for(method(request), context.time_remaining())
            return response.SerializeToString()

        self._add(name, answer, is_logged=not is_open)

    def add_unimplemented(self, name: str, sentence: str) -> None:
        """Add a method that answers UNIMPLEMENTED with one sentence."""

        async def refuse(data, context):
            self._check_token(context)
            raise ServingError(Code.UNIMPLEMENTED, sentence)

        self._add(name, refuse)

    def add_stream(self, name: str, method: Any) -> None:
        """Add a method `async (bytes, context)` that writes a stream of responses, to all who ask."""
        import grpc

        self._handlers[name] = grpc.unary_stream_rpc_method_handler(method)

    def _add(self, name, answer, is_logged=True):
        import grpc

        path = f"/{self.name}/{name}"

        async def handler(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
            with self.observer.observe(path, context, is_logged) as call:
                try:
                    response = await answer(data, context)
                    call.code, call.size = "OK", len(response)
                    return response
                except ServingError as serving_error:
                    error = serving_error
                except TimeoutError:
                    error = ServingError(Code.DEADLINE_EXCEEDED, "The deadline of the request has passed.")
                except Exception as exception:
                    error = _internal_error(call.record.id, exception)
                call.code = error.code.name
                await abort(context, error, call.record.id)
            raise error  # not reached: `abort` raises

        self._handlers[name] = grpc.unary_unary_rpc_method_handler(handler)

    def _check_token(self, context):
        """Raise ServingError, UNAUTHENTICATED, unless the metadata of a call has the token, where there is one."""
        metadata = dict(context.invocation_metadata() or ())
        if self.token and not token_matches(str(metadata.get("authorization", "")), self.token):
            raise ServingError(Code.UNAUTHENTICATED, "Expected metadata `authorization: Bearer TOKEN` of this server.")


def parse(request_class: Any, data: bytes) -> Any:
    """The message of some bytes. Raises ServingError, INVALID_ARGUMENT, for others."""
    from google.protobuf.message import DecodeError

    try:
        return request_class.FromString(data)
    except DecodeError:
        name = request_class.DESCRIPTOR.full_name
        raise ServingError(Code.INVALID_ARGUMENT, f"The request is not a message of type {name}.") from None


async def abort(context: grpc.aio.ServicerContext, error: ServingError, request_id: str = "") -> None:
    """End a call with the status of an error, and with the time after which to try again where the error has one."""
    import grpc

    status = next(status for status in grpc.StatusCode if status.value[0] == error.code.number)
    metadata = [(REQUEST_ID, request_id)] if request_id else []
    if error.retry_after is not None:
        metadata.append((PUSHBACK, str(1000 * error.retry_after)))
    details = error.message.encode(errors="replace")[:MAX_DETAILS].decode(errors="ignore")
    await context.abort(status, details, tuple(metadata))


def _internal_error(request_id, exception):
    logger.error("Request %s failed.", request_id, exc_info=exception)
    message = f"Internal error. The server's log has it under request id {request_id}."
    return ServingError(Code.INTERNAL, message)
