"""Bearer tokens (RFC 6750): ASGI middleware that answers requests without the server's token with status 401."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any

from zoo.serving.http.error_answers import route_path, serving_error_answer
from zoo.serving.serving_error import Code, ServingError

MESSAGE = "Expected the header Authorization: Bearer TOKEN with the token of this server."


def token_matches(header: str, token: str) -> bool:
    """Whether an Authorization header has the token; compared in constant time."""
    scheme, _, value = header.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(value.strip().encode(), token.encode())


class BearerToken:
    """ASGI middleware: 401 without the token, but for the paths that are open to all.

    Args:
        app: the ASGI application.
        token: of the server.
        open_paths: paths that need no token.
    """

    def __init__(self, app: Any, token: str, open_paths: Collection[str]):
        self.app, self.token, self.open_paths = app, token, open_paths

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and route_path(scope) not in self.open_paths and not self._authorized(scope):
            answer = serving_error_answer(scope, ServingError(Code.UNAUTHENTICATED, MESSAGE))
            return await answer(scope, receive, send)
        await self.app(scope, receive, send)

    def _authorized(self, scope):
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return token_matches(header.decode("latin-1"), self.token)
