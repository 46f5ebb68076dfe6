"""The HTTP server: uvicorn around the ASGI application, with a drain on SIGTERM and gRPC beside it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from typing import Any

from zoo.runtime.errors import UserError
from zoo.runtime.optional import import_optional
from zoo.serving.http.app import create_app
from zoo.serving.http.server_address import ServerAddress, check_grpc_port, listen
from zoo.serving.service import Service

BACKLOG = 2048  # connections that wait to be accepted
KEEP_ALIVE = 75  # seconds that an idle connection stays open: longer than load balancers keep theirs, 60 by default
TICK = 0.05  # seconds between two looks at the state of loading
SIGNALS = (signal.SIGINT, signal.SIGTERM)
logger = logging.getLogger("zoo.serve")


class HttpServer:
    """A server of one service. `run` blocks until `stop` is called, or a signal comes to the main thread.

    Args:
        service: the models.
        address: where to listen.
        on_ready: called when every model is loaded and warmed up.

    Attributes:
        address: where it listens, with the number of its port in place of 0.
        url: of the server.
        failure: why it ended by itself, a model of which no version can be loaded; else "".

    Raises UserError where a port is in use, or the host is not of this machine.
    """

    def __init__(
        self,
        service: Service,
        address: ServerAddress | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ):
        self.service, self.address, self.failure = service, address or ServerAddress(), ""
        self._uvicorn = self._uvicorn_server()
        if self.address.grpc_port is not None:
            check_grpc_port(self.address.host, self.address.grpc_port)
        self._socket: socket.socket = listen(self.address, BACKLOG)
        self.address = replace(self.address, port=self._socket.getsockname()[1])
        self.url = self.address.url
        self._on_ready = on_ready
        self._stopped = threading.Event()

    def _uvicorn_server(self):
        uvicorn = import_optional("uvicorn", "serve", "zoo serve")
        settings = self.service.settings

        class Server(uvicorn.Server):
            @contextmanager
            def capture_signals(self):
                """Leave signals to `HttpServer`: uvicorn would end the process by the signal, not with status 0."""
                yield

        self._app = create_app(self.service)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            ws="none",
            access_log=False,
            server_header=False,
            root_path=settings.root_path,
            ssl_certfile=self.address.certificate or None,
            ssl_keyfile=self.address.key or None,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=ceil(settings.drain_seconds),
        )
        try:
            config.load()
        except OSError as error:  # ssl.SSLError, or a file that cannot be read
            reason = getattr(error, "reason", None) or error.strerror
            pair = f"certificate={self.address.certificate}, key={self.address.key} ({reason})"
            raise UserError(f"Expected the PEM files of a certificate and its key. Received: {pair}.") from error
        config.http_protocol_class = _with_json_errors(config.http_protocol_class)
        return Server(config)

    def run(self) -> None:
        """Serve. Requests in flight end before it returns, within `ServerSettings.drain_seconds`."""
        with self._signal_handlers(), asyncio.Runner(loop_factory=self._uvicorn.config.get_loop_factory()) as runner:
            runner.run(self._serve())

    def stop(self) -> None:
        """Accept no new connection, and end `run` when the requests in flight are answered. From any thread."""
        self.service.drain()
        self._uvicorn.should_exit = True
        self._stopped.set()

    async def _serve(self):
        grpc = await self._start_grpc()
        monitor = asyncio.create_task(self._monitor(grpc))
        self._app.state.before_close = lambda: monitor
        await self._uvicorn.serve(sockets=[self._socket])
        await monitor

    async def _start_grpc(self) -> Any:
        """The gRPC server, started; None without a port for it."""
        if self.address.grpc_port is None:
            return None
        from zoo.serving.grpc.grpc_server import GrpcServer

        server = GrpcServer(self.service, self.service.settings.token, self.service.settings.max_body_bytes)
        await server.start(
            self.address.host, self.address.grpc_port, certificate=self.address.certificate, key=self.address.key
        )
        return server

    async def _monitor(self, grpc):
        """Tell when the models are ready, or end the server where one cannot be; then drain gRPC when all ends."""
        while not (self.service.ready or self.failure or self._stopped.is_set()):
            self.failure = "; ".join(f"{name}: {why}" for name, why in self.service.failures.items())
            await asyncio.sleep(TICK)
        if self.failure:
            self.stop()
        elif not self._stopped.is_set():
            self._on_ready()
        while not self._stopped.is_set():
            await asyncio.sleep(TICK)
        if grpc:
            await grpc.stop(self.service.settings.drain_seconds)

    @contextmanager
    def _signal_handlers(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM, at once at the second one; in the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle_signal(self, number, frame):
        if self._stopped.is_set():
            os._exit(128 + number)
        seconds, count = self.service.settings.drain_seconds, self.service.metrics.requests_in_flight
        logger.info("Ending: %d requests in flight have %g seconds. Ctrl-C again ends at once.", count, seconds)
        self.stop()


def _with_json_errors(protocol: Any) -> Any:
    """uvicorn's HTTP protocol, whose answer to what is not HTTP is JSON, too."""

    class Protocol(protocol):
        def send_400_response(self, msg: str) -> None:
            body = json.dumps({"error": msg}).encode()
            head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
            self.transport.close()

    return Protocol
