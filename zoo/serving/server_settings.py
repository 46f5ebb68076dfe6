"""Settings of a server: limits, authentication, log. The command line and `zoo.serving.http.server` share them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zoo.runtime.errors import UserError

LOG_FORMATS = ("json", "text", "off")
TOKEN_VARIABLE = "ZOO_SERVE_TOKEN"  # of the environment


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Limits and options of a server.

    Attributes:
        max_body_bytes: of a request; more is answered with status 413.
        max_text_characters: of each text of a request; more is status 400.
        max_rows: of a request; more is status 400.
        max_concurrent_requests: predictions at a time, each in a thread that waits for TensorFlow.
        max_queued_requests: predictions that wait for a thread; one more is answered with status 429.
        request_timeout: seconds for a prediction, then status 504.
        drain_seconds: for the requests in flight, after SIGTERM or Ctrl-C.
        token: which clients send as `Authorization: Bearer TOKEN`; "" for an open server.
        open_metrics: whether metrics need no token.
        allow_origins: origins whose pages may call the server (CORS); "*" is every one.
        root_path: of the server behind a proxy, such as "/models".
        log: format of the access log: json, text or off.
    """

    max_body_bytes: int = 4 * 2**20
    max_text_characters: int = 100_000
    max_rows: int = 1024
    max_concurrent_requests: int = 64
    max_queued_requests: int = 256
    request_timeout: float = 60.0
    drain_seconds: float = 30.0
    token: str = ""
    open_metrics: bool = False
    allow_origins: tuple[str, ...] = ()
    root_path: str = ""
    log: str = "json"

    def __post_init__(self):
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise UserError(f"Expected {name} of at least {least}. Received: {name}={value}.")
            if value == math.inf:
                raise UserError(f"Expected a finite {name}. Received: {name}={value}.")
        if self.log not in LOG_FORMATS:
            raise UserError(f"Expected log json, text or off. Received: log={self.log!r}.")
        if not self.token.isascii() or any(map(str.isspace, self.token)):
            raise UserError("Expected a token of ASCII characters without spaces. Received: another one.")


_LEAST = {
    "max_body_bytes": 1,
    "max_text_characters": 1,
    "max_rows": 1,
    "max_concurrent_requests": 1,
    "max_queued_requests": 0,
    "request_timeout": 0.001,
    "drain_seconds": 0,
}
