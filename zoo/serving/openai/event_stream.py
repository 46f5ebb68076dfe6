"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), and clients that go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from http import HTTPStatus
from typing import Any

from zoo.serving.openai.openai_error import openai_error

DONE = "data: [DONE]\n\n"
CLIENT_CLOSED = 499  # nginx's status; nobody reads it
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx passes events on at once
]


class EventStream:
    """An ASGI answer of server-sent events, which ends when the client goes away.

    Args:
        events: JSON objects, each of which becomes an event; `[DONE]` follows the last. An error becomes an event.
        resources: closed at the end, whatever ends it.
    """

    def __init__(self, events: AsyncGenerator[dict[str, Any]], resources: ExitStack):
        self.events, self.resources = events, resources

    async def __call__(self, scope: Any, receive: Callable, send: Callable) -> None:
        with self.resources:
            await until_disconnected(self._send(send), receive)

    async def _send(self, send):
        await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": HEADERS})
        try:
            async with aclosing(self.events) as events:
                async for event in events:
                    await send(_body(_event(event)))
        except Exception as error:
            await send(_body(_event(openai_error(error).body)))
        await send(_body(DONE))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def until_disconnected(answer: Awaitable[Any], receive: Callable) -> Any:
    """The result of an answer; None where the client goes away before, which cancels the answer."""
    working, disconnection = asyncio.ensure_future(answer), asyncio.ensure_future(_until_disconnection(receive))
    try:
        await asyncio.wait({working, disconnection}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, disconnection):
            task.cancel()
        await asyncio.gather(working, disconnection, return_exceptions=True)


async def _until_disconnection(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(value):
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _body(text):
    return {"type": "http.response.body", "body": text.encode("utf-8", "replace"), "more_body": True}
