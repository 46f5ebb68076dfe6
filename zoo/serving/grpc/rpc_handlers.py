"""gRPC method handlers: authentication, parsing, deadlines and status codes around the methods of each service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    import grpc

MAX_DETAILS = 1_000  # characters of an error message, which travels in a header of at most 8 KiB
PUSHBACK = "grpc-retry-pushback-ms"  # trailing metadata that gRPC's own retries obey
INTERNAL = ServingError(Code.INTERNAL, "The server failed; its log says why.")

logger = logging.getLogger(__name__)


def unary_handler(method: Callable[[Any], Awaitable[Any]], request_class: Any, token: str = "") -> Any:
    """The handler of a method `async (request message) -> response message` of one request and one response.

    A ServingError becomes a status of its code; a deadline that passes is DEADLINE_EXCEEDED; bytes that are no message
    of the class are INVALID_ARGUMENT. With a token, the metadata must hold `authorization: Bearer TOKEN`.
    """
    import grpc

    async def handler(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        try:
            check_token(context, token)
            request = parse(request_class, data)
            response = await asyncio.wait_for(method(request), context.time_remaining())
            return response.SerializeToString()
        except TimeoutError:
            error = ServingError(Code.DEADLINE_EXCEEDED, "The deadline of the request has passed.")
        except ServingError as serving_error:
            error = serving_error
        except Exception:
            logger.exception("A gRPC method failed.")
            error = INTERNAL
        await abort(context, error)
        raise error  # not reached: `abort` raises

    return grpc.unary_unary_rpc_method_handler(handler)  # no deserializer: `parse` has the better errors


def unimplemented_handler(sentence: str) -> Any:
    """The handler of a method that answers UNIMPLEMENTED with one sentence."""
    import grpc

    async def handler(_, context: grpc.aio.ServicerContext) -> bytes:
        error = ServingError(Code.UNIMPLEMENTED, sentence)
        await abort(context, error)
        raise error  # not reached: `abort` raises

    return grpc.unary_unary_rpc_method_handler(handler)


def generic_handler(service: str, handlers: Mapping[str, Any]) -> Any:
    """The handlers of a service, by the names of its methods, as grpc's server takes them."""
    import grpc

    return grpc.method_handlers_generic_handler(service, handlers)


def parse(request_class: Any, data: bytes) -> Any:
    """The message of some bytes. Raises ServingError, INVALID_ARGUMENT, for others."""
    from google.protobuf.message import DecodeError

    try:
        return request_class.FromString(data)
    except DecodeError:
        name = request_class.DESCRIPTOR.full_name
        raise ServingError(Code.INVALID_ARGUMENT, f"The request is not a message of type {name}.") from None


def check_token(context: grpc.aio.ServicerContext, token: str) -> None:
    """Raise ServingError, UNAUTHENTICATED, unless the metadata of a call has the bearer token, where there is one."""
    if not token:
        return
    values = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    scheme, _, received = (values[0] if values else "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(received.strip().encode(), token.encode()):
        raise ServingError(Code.UNAUTHENTICATED, "Expected metadata `authorization: Bearer TOKEN` of this server.")


async def abort(context: grpc.aio.ServicerContext, error: ServingError) -> None:
    """End a call with the status of an error, and with the time after which to try again where the error has one."""
    import grpc

    status = next(status for status in grpc.StatusCode if status.value[0] == error.code.number)
    seconds = error.retry_after
    metadata = () if seconds is None else ((PUSHBACK, str(1000 * seconds)),)
    await context.abort(status, error.message[:MAX_DETAILS], metadata)
