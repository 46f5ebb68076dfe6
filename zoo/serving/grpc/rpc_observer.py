"""Observer of gRPC calls: request id, access log and metrics, as `RequestObserver` has them for HTTP."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from zoo.serving.request_record import CURRENT, RequestRecord
from zoo.serving.server_metrics import ServerMetrics

if TYPE_CHECKING:
    import grpc

API = "grpc"  # in log and metrics
CANCELLED = "CANCELLED"  # code of a call whose client went away, or whose deadline passed, before the answer
REQUEST_ID = "x-request-id"  # metadata of a request and of its answer
MAX_ID = 128  # characters
logger = logging.getLogger("zoo.access")


@dataclass
class RpcCall:
    """A call that is answered: its path, its record, its status code, the bytes of its answer."""

    path: str
    peer: str
    record: RequestRecord
    code: str = CANCELLED
    size: int = 0


class RpcObserver:
    """Counts and logs the calls of gRPC methods. Texts of requests are never logged.

    Args:
        metrics: which count the calls.
        log: json, text or off.
    """

    def __init__(self, metrics: ServerMetrics, log: str):
        self.metrics = metrics
        self.line = {"json": _json_line, "text": _text_line, "off": None}[log]

    @contextmanager
    def observe(self, path: str, context: grpc.aio.ServicerContext, is_logged: bool = True) -> Iterator[RpcCall]:
        """Count a call of a path, whose `code` and `size` are set within the context; log it unless it is a probe."""
        call = RpcCall(path, context.peer(), RequestRecord(_request_id(context), API))
        context.set_trailing_metadata(((REQUEST_ID, call.record.id),))
        start, token = time.perf_counter(), CURRENT.set(call.record)
        self.metrics.begin_request()
        try:
            yield call
        finally:
            CURRENT.reset(token)
            seconds = time.perf_counter() - start
            self.metrics.end_request(call.record, call.code, seconds)
            if self.line and is_logged:
                logger.info(self.line(call, seconds))


def _request_id(context):
    """The client's x-request-id, where it is short, or a random one."""
    value = dict(context.invocation_metadata() or ()).get(REQUEST_ID, "")
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID else secrets.token_hex(8)


def _json_line(call, seconds):
    """One JSON object. `bytes`: of the answer."""
    record = call.record
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": record.id,
        "client": call.peer,
        "method": "gRPC",
        "path": call.path,
        "status": call.code,
        "ms": round(1000 * seconds, 2),
        "api": record.api,
        "model": record.model,
        "version": record.version,
        "signature": record.signature,
        "rows": record.rows,
        "bytes": call.size,
    }
    return json.dumps(fields)


def _text_line(call, seconds):
    record = call.record
    model = f" {record.model}/{record.version} {record.signature} rows={record.rows}" if record.model else ""
    return f"{record.id} gRPC {call.path} {call.code} {1000 * seconds:.1f} ms{model}"
