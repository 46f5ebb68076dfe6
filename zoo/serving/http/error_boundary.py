"""ASGI middleware that answers every error as JSON; the traceback of an unexpected one is logged with its request."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from zoo.serving.http.error_answers import error_answer, serving_error_answer
from zoo.serving.request_record import CURRENT
from zoo.serving.serving_error import Code, ServingError

CLOSED = "The server is shutting down."
logger = logging.getLogger("zoo.serve")


class ErrorBoundary:
    """ASGI middleware: a `ServingError` becomes its answer, any other exception status 500 with the request id.

    A request that is cancelled, because the server ends before it does, is answered with status 503.
    """

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def noted_send(message):
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted_send)
        except asyncio.CancelledError:  # by uvicorn, which would answer with plain text, when the drain is over
            if not started:
                await _answer(scope, ServingError(Code.UNAVAILABLE, CLOSED))(scope, receive, send)
        except Exception as error:
            answer = _answer(scope, error)
            if not started:  # else the server closes the connection
                await answer(scope, receive, send)


def _answer(scope, error):
    if isinstance(error, ServingError):
        return serving_error_answer(scope, error)
    record = CURRENT.get()
    request_id = record.id if record else ""
    logger.error("Request %s failed.", request_id, exc_info=error)
    return error_answer(scope, 500, f"Internal error. The server's log has it under request id {request_id}.")
