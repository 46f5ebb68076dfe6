"""The address of a server: host, ports, TLS. It is bound before a model is loaded: a port in use is one clear line."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass

from zoo.runtime.errors import UserError

LOOPBACK = "127.0.0.1"
HTTP_PORT = 8501  # of TensorFlow Serving
PORTS = 65_535


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a server listens.

    Attributes:
        host, port: of HTTP; port 0 is any that is free.
        grpc_port: of gRPC on the same host; None for no gRPC.
        certificate, key: PEM files for TLS, of HTTP and gRPC; "" for none.
    """

    host: str = LOOPBACK
    port: int = HTTP_PORT
    grpc_port: int | None = None
    certificate: str = ""
    key: str = ""

    def __post_init__(self):
        for name in ("port", "grpc_port"):
            if not 0 <= (getattr(self, name) or 0) <= PORTS:
                raise UserError(f"Expected a {name} of 0 to {PORTS}. Received: {name}={getattr(self, name)}.")
        for name in ("certificate", "key"):
            path = getattr(self, name)
            if path and not os.path.isfile(path):
                raise UserError(f"Expected a PEM file as {name}. Received: {path}, which is no file.")
        if bool(self.certificate) != bool(self.key):
            raise UserError("Expected certificate and key together. Received: only one of them.")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        """The URL of the server; one that this machine can open where it listens at all addresses."""
        host = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(self.host, self.host)
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


def check_grpc_port(host: str, port: int) -> None:
    """Raise UserError where the port of gRPC is in use or the host is unknown: grpc would log it in its own way."""
    listen(ServerAddress(host=host, port=port), 1, "--grpc-port").close()


def listen(address: ServerAddress, backlog: int, option: str = "--port") -> socket.socket:
    """A socket that listens at an address, whose port is that of an option of the command line.

    Raises UserError where the port is in use or the host is unknown.
    """
    received = f"--host {address.host} {option} {address.port}"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UserError(f"Expected a host of this machine. Received: {received} ({error.strerror}).") from error
    server = socket.socket(family, kind, protocol)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(where)
        server.listen(backlog)
    except OSError as error:
        server.close()
        raise UserError(f"Expected a free port. Received: {received} ({error.strerror}). Try {option} 0.") from error
    return server
