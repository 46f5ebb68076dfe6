"""Request bodies: ASGI middleware that reads each one as a whole, within a limit on its bytes and a time-out."""

from __future__ import annotations

import asyncio
import zlib
from http import HTTPStatus
from typing import Any

from zoo.serving.serving_error import Code, ServingError

GZIP = 31  # window bits of zlib for a gzip header


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete."""


class RequestBody:
    """ASGI middleware: the application receives the body in one message, uncompressed.

    Answers 413 for a body beyond the limit, compressed or not; 408 where it takes longer than the time-out; 415 for a
    Content-Encoding other than gzip.
    """

    def __init__(self, app: Any, limit: int, timeout: float):
        self.app, self.limit, self.timeout = app, limit, timeout

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            return await self.app(scope, receive, send)
        try:
            body = await asyncio.wait_for(self._read(headers, receive), self.timeout)
        except TimeoutError as error:
            message = f"The body was not complete in {self.timeout:g} seconds."
            raise ServingError(Code.DEADLINE_EXCEEDED, message, http=HTTPStatus.REQUEST_TIMEOUT) from error
        except ClientDisconnectedError:
            return None
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"content-encoding"]
        await self.app(scope, _replayed(body, receive), send)

    async def _read(self, headers, receive):
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self.limit:
            raise self._too_large(int(length))
        chunks, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            chunks.append(message.get("body", b""))
            size, more = size + len(chunks[-1]), message.get("more_body", False)
            if size > self.limit:
                raise self._too_large(size)
        return self._uncompressed(b"".join(chunks), headers.get(b"content-encoding", b"identity"))

    def _uncompressed(self, body, encoding):
        if encoding.lower() in (b"", b"identity"):
            return body
        if encoding.lower() not in (b"gzip", b"x-gzip"):
            message = "Expected Content-Encoding gzip, or none."
            raise ServingError(Code.INVALID_ARGUMENT, message, http=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        stream = zlib.decompressobj(GZIP)
        try:
            content = stream.decompress(body, self.limit + 1)
        except zlib.error as error:
            raise ServingError(Code.INVALID_ARGUMENT, f"The body is not gzip: {error}.") from error
        if len(content) > self.limit:
            raise self._too_large(len(content))
        if not stream.eof:
            raise ServingError(Code.INVALID_ARGUMENT, "The body is not gzip: it is cut off.")
        return content

    def _too_large(self, size):
        message = f"Expected a body of at most {self.limit} bytes. Received: {size} or more."
        return ServingError(Code.RESOURCE_EXHAUSTED, message, http=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _replayed(body, receive):
    """A receive channel that yields the body, then what the connection has."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay():
        return messages.pop() if messages else await receive()

    return replay
