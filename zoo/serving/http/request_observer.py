"""ASGI middleware that observes requests: request id, access log, metrics. Texts of requests are never logged."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from zoo.serving.http.error_answers import route_path
from zoo.serving.request_record import CURRENT, RequestRecord
from zoo.serving.server_metrics import ServerMetrics

QUIET = "operations"  # the API whose requests are not logged: probes and metrics are asked for every few seconds
PROBES = ("/v2/health/live", "/v2/health/ready")  # those of another API
CLIENT_CLOSED = 499  # status in log and metrics of a request whose client went away before the answer
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
logger = logging.getLogger("zoo.access")


class RequestObserver:
    """ASGI middleware: a request id in each answer, a log line and the metrics of each request.

    Args:
        app: the ASGI application.
        metrics: which count the requests.
        apis: {endpoint of a route: name of its API}.
        log: json, text or off.
    """

    def __init__(self, app: Any, metrics: ServerMetrics, apis: Mapping[Any, str], log: str = "json"):
        self.app, self.metrics, self.apis = app, metrics, apis
        self.line = {"json": _json_line, "text": _text_line, "off": None}[log]

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        record, status, size, start = RequestRecord(_request_id(scope)), CLIENT_CLOSED, 0, time.perf_counter()

        async def observed_send(message):
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", record.id.encode())]
            else:
                size += len(message.get("body", b""))
            await send(message)

        token = CURRENT.set(record)
        self.metrics.begin_request()
        try:
            await self.app(scope, receive, observed_send)
        finally:
            CURRENT.reset(token)
            seconds = time.perf_counter() - start
            record.api = self.apis.get(scope.get("endpoint"), "")
            self.metrics.end_request(record, str(status), seconds)
            if self.line and record.api != QUIET and route_path(scope) not in PROBES:
                logger.info(self.line(scope, record, status, size, seconds))


def _request_id(scope):
    """The client's X-Request-Id, where it is a plain name, or a random one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return secrets.token_hex(8)


def _json_line(scope, record, status, size, seconds):
    """One JSON object. `bytes`: of the answer; `request_bytes`: of the body, as its header says."""
    client = scope.get("client")
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": record.id,
        "client": client[0] if client else "",
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(1000 * seconds, 2),
        "api": record.api,
        "model": record.model,
        "version": record.version,
        "signature": record.signature,
        "rows": record.rows,
        "bytes": size,
        "request_bytes": _content_length(scope),
    }
    return json.dumps(fields)  # ASCII: line breaks in a path are escaped


def _text_line(scope, record, status, size, seconds):
    model = f" {record.model}/{record.version} {record.signature} rows={record.rows}" if record.model else ""
    path = json.dumps(scope["path"])[1:-1]
    return f"{record.id} {scope['method']} {path} {status} {1000 * seconds:.1f} ms{model}"


def _content_length(scope):
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0
