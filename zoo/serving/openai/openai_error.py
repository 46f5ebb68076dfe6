"""Errors of the OpenAI-compatible API: {"error": {"message", "type", "param", "code"}}, and what becomes one."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from zoo.generation.batch_limits import BatchClosedError, QueueFullError
from zoo.runtime.errors import UserError, single_line
from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

RETRY_SECONDS = 1
TYPES = {401: "authentication_error", 429: "rate_limit_error"}  # {HTTP status: type}, but for those of all others
logger = logging.getLogger("zoo.serve")


class OpenAIError(Exception):
    """A request that the API refuses.

    Attributes:
        status: of HTTP.
        message: one sentence for the client.
        param: name of the parameter that is wrong; None for the request as a whole.
        code: a word that programs can test, such as "model_not_found".
    """

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400):
        super().__init__(message)
        self.message, self.param, self.code, self.status = message, param, code, status

    @property
    def body(self) -> dict[str, Any]:
        """OpenAI's error object."""
        default = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"message": self.message, "type": TYPES.get(self.status, default)}
        return {"error": error | {"param": self.param, "code": self.code}}

    def response(self) -> Response:
        """The answer over HTTP."""
        from starlette.responses import Response

        headers = {"Retry-After": str(RETRY_SECONDS)} if self.status in (429, 503) else {}
        content = json.dumps(self.body, ensure_ascii=False).encode("utf-8", "replace")
        return Response(content, self.status, headers, "application/json")


def openai_error(error: Exception) -> OpenAIError:
    """The `OpenAIError` of an exception; an unexpected one is logged, and its message is not shown to the client."""
    if isinstance(error, OpenAIError):
        return error
    if isinstance(error, QueueFullError):
        return OpenAIError(f"The server is busy: {error}", code="rate_limit_exceeded", status=429)
    if isinstance(error, BatchClosedError):
        return OpenAIError(str(error), code="service_unavailable", status=503)
    if isinstance(error, UserError):
        return OpenAIError(single_line(str(error)))
    if isinstance(error, ServingError):
        code = "rate_limit_exceeded" if error.code is Code.RESOURCE_EXHAUSTED else None
        return OpenAIError(error.message, code=code, status=error.code.http)
    logger.error("A request to the OpenAI-compatible API failed.", exc_info=error)
    return OpenAIError("Internal error. The server's log has it.", code="internal_error", status=500)


def answering(handler: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Any]]:
    """A handler whose exceptions become OpenAI's error objects."""

    @wraps(handler)
    async def handle(request: Request) -> Any:
        try:
            return await handler(request)
        except Exception as error:
            return openai_error(error).response()

    return handle
