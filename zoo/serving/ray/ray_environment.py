"""Environment variables of Ray, which it reads when it is imported: its proxy in C, retries, no usage statistics."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

RETRIED_BYTES = 262_144  # of a request: HAProxy keeps as much, so that it can send it to another replica
DRAIN_SECONDS = 2  # for HAProxy to stop using a replica that ends
STATISTICS_PORT, METRICS_PORT = "RAY_SERVE_HAPROXY_STATS_PORT", "RAY_SERVE_HAPROXY_METRICS_PORT"
FILES = {  # of HAProxy, which two clusters on one machine would share
    "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": "haproxy.cfg",
    "RAY_SERVE_HAPROXY_SOCKET_PATH": "admin.sock",
    "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": "metrics.sock",
    "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": "",
    "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": "server-state",
}
VARIABLES = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # A replica that is killed closes its connections without an answer. Every API here is idempotent, so HAProxy sends
    # the request to another replica, once. It can where it has read the request as a whole, which the option that
    # follows on the next line of its configuration says.
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response junk-response\n    option http-buffer-request",
    "RAY_SERVE_HAPROXY_RETRIES": "2",
    "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(RETRIED_BYTES),
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": str(DRAIN_SECONDS),
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "55",  # of the 60 s that Ray waits; its 5 s fail on a busy machine
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "30",
    "RAY_DEDUP_LOGS": "0",
}


def set_variables(environment: MutableMapping[str, str], folder: str) -> None:
    """Set the variables that the user has not set, with files of HAProxy in a folder and ports that are free."""
    files = {name: os.path.join(folder, file) for name, file in FILES.items()}
    ports = dict(zip((STATISTICS_PORT, METRICS_PORT), map(str, free_ports(2)), strict=True))
    for name, value in (VARIABLES | files | ports).items():
        environment.setdefault(name, value)


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens now."""
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports
