"""The handle of a submitted request: its text in pieces, for a thread or for asyncio, and its cancellation."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from zoo.generation.batch import Completion


@dataclass(frozen=True)
class TextPiece:
    """A piece of a generated text, which ends neither within a character nor within a stop string.

    Attributes:
        text: the piece; it may be empty where tokens have no text.
        ids: the new tokens since the piece before.
        logprobs: their log-probabilities under the model, in nats, before any logits processor.
        top_logprobs: for each of them the likeliest (id, log-probability) pairs, best first, if asked for.
    """

    text: str
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    top_logprobs: list[list[tuple[int, float]]] = field(default_factory=list)


class GenerationHandle:
    """The handle of a request in a `zoo.generation.continuous_batch.ContinuousBatch`.

    `for piece in handle` and `async for piece in handle` yield each `TextPiece` as soon as it is there; one of them,
    and once.

    Attributes:
        completion: the `Completion` after the last piece; None before.
        cancelled: whether the request was cancelled.
    """

    def __init__(self) -> None:
        self.completion: Completion | None = None
        self.cancelled = False
        self._error: BaseException | None = None
        self._pieces: deque[TextPiece] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._notify: Callable[[], Any] = lambda: None

    def cancel(self) -> None:
        """Stop generating: the row of the text is free before the next step. The text ends where it is."""
        self.cancelled = True

    def result(self, timeout: float | None = None) -> Completion:
        """The `Completion`, once the text has ended.

        Raises TimeoutError after `timeout` seconds, and what `for piece in handle` raises.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, timeout):
                raise TimeoutError(f"The text has not ended after {timeout} seconds.")
        return self._result()

    def __iter__(self) -> Iterator[TextPiece]:
        """Yield the pieces. Raises the error with which the request failed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self._ended)
            while self._pieces:
                yield self._pieces.popleft()
            if self._ended and not self._pieces:
                self._result()
                return

    async def __aiter__(self) -> AsyncIterator[TextPiece]:
        """Yield the pieces. Raises the error with which the request failed."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        self._notify = lambda: loop.call_soon_threadsafe(changed.set)
        while True:
            changed.clear()
            ended = self._ended
            while self._pieces:
                yield self._pieces.popleft()
            if ended:
                self._result()
                return
            await changed.wait()

    def put(self, piece: TextPiece) -> None:
        """Append a piece, in the thread of the batch."""
        with self._changed:
            self._pieces.append(piece)
            self._changed.notify_all()
        self._wake()

    def end(self, completion: Completion | None = None, error: BaseException | None = None) -> None:
        """End the text, with its completion or with an error, in the thread of the batch."""
        with self._changed:
            self.completion, self._error, self._ended = completion, error, True
            self._changed.notify_all()
        self._wake()

    def _wake(self):
        try:
            self._notify()
        except RuntimeError:  # the event loop of the reader is closed
            self.cancel()

    def _result(self):
        if self._error is not None:
            raise self._error
        assert self.completion is not None
        return self.completion
