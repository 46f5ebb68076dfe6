"""The record of a request: what its log line and its metrics say, filled in while it is answered."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestRecord:
    """Facts of one request.

    Attributes:
        id: of the request, from its header X-Request-Id or made here.
        api: that answers: "rest", "openai", "open_inference", "grpc" ...; "" for an unknown path.
        model, version: of the lease; "" and 0 without one, so that unknown names make no new metrics.
        signature: that was run.
        rows: of the inputs.
    """

    id: str
    api: str = ""
    model: str = ""
    version: int = 0
    signature: str = ""
    rows: int = 0


CURRENT: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)
