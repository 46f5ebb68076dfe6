"""Joined writes: a response arrives as a whole, a stream as it is written; a connection closes after its last write."""

import asyncio
import socket
import threading

import pytest
import uvicorn
from serving_models import wait_until

from zoo.serving.http.joined_writes import join_writes


@pytest.fixture
def address(monkeypatch):
    """The address of a server with joined writes: /whole, /stream, and /close, which closes the connection."""
    monkeypatch.setattr(uvicorn.config, "HTTP_PROTOCOLS", dict(uvicorn.config.HTTP_PROTOCOLS))
    join_writes()
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(10)


async def application(scope, receive, send):
    stream, close = scope["path"] == "/stream", scope["path"] == "/close"
    headers = [(b"content-length", b"6"), *([(b"connection", b"close")] if close else [])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    if stream:
        await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b"def"})


def ask(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection.recv(65536)


def test_headers_and_body_are_one_write(address):
    with socket.create_connection(address, 10) as connection:
        for _ in range(50):
            assert ask(connection, "/whole").endswith(b"\r\n\r\nabcdef")


def test_a_stream_is_not_held_back(address):
    with socket.create_connection(address, 10) as connection:
        assert ask(connection, "/stream").endswith(b"\r\n\r\nabc")
        assert connection.recv(65536) == b"def"


def test_a_connection_closes_after_the_body(address):
    with socket.create_connection(address, 10) as connection:
        assert ask(connection, "/close").endswith(b"\r\n\r\nabcdef")
        assert connection.recv(65536) == b""
