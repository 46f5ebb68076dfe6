"""One write for the headers and body of a response: a process that is killed has sent all of it or nothing.

uvicorn writes them one after the other. A proxy that has got nothing can send the request to another server; one that
has got headers cannot.
"""

from __future__ import annotations

import asyncio
from typing import Any


def join_writes() -> None:
    """Let the HTTP servers that uvicorn starts in this process from now on join their writes."""
    from uvicorn import config
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class JoinedWrites(AutoHTTPProtocol):
        def connection_made(self, transport):
            joined: Any = JoinedTransport(transport)
            super().connection_made(joined)

    config.HTTP_PROTOCOLS["auto"] = JoinedWrites  # type: ignore[assignment]  # a class in place of its name


class JoinedTransport:
    """A transport of asyncio that writes once in an iteration of the event loop what was written until its end."""

    def __init__(self, transport: Any):
        self._transport, self._chunks = transport, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write some bytes, with those that follow in the same iteration."""
        if not self._chunks:
            asyncio.get_running_loop().call_soon(self._flush)
        self._chunks.append(data)

    def close(self) -> None:
        """Close when everything is written."""
        self._flush()
        self._transport.close()

    def _flush(self):
        if chunks := self._chunks:
            self._chunks = []
            self._transport.write(b"".join(chunks))
