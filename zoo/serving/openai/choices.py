"""The choices of a request: texts that are generated at once, read as a whole or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from zoo.generation.continuous_batch import ContinuousBatch
from zoo.generation.generation_handle import GenerationHandle, TextPiece
from zoo.generation.generation_request import GenerationRequest


@dataclass
class Choice:
    """One text of a request.

    Attributes:
        index: its number in the answer.
        prompt: number of its prompt.
        request: the `GenerationRequest`.
        handle: the `GenerationHandle`.
        tops: for each token the likeliest (id, log-probability) pairs.
    """

    index: int
    prompt: int
    request: GenerationRequest
    handle: GenerationHandle
    tops: list[list[tuple[int, float]]] = field(default_factory=list)

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of the tokens, by which `best_of` chooses."""
        completion = self.handle.completion
        return sum(completion.logprobs) / max(len(completion.logprobs), 1) if completion else 0.0

    @property
    def finish_reason(self) -> str | None:
        """ "stop" or "length", once the text has ended; a text with a constraint is complete at any length."""
        completion = self.handle.completion
        return completion and ("stop" if self.request.config.constraint else completion.finish_reason)

    async def finish(self) -> Choice:
        """The choice once its text has ended. Raises what made it fail."""
        async for piece in self.handle:
            self.tops += piece.top_logprobs
        return self


def start_choices(batch: ContinuousBatch, requests: Sequence[Sequence[GenerationRequest]]) -> list[Choice]:
    """Submit the requests, a list for each prompt, at once. Raises QueueFullError where they have no room together."""
    pairs = [(number, request) for number, group in enumerate(requests) for request in group]
    handles = batch.submit(*(request for _, request in pairs))
    return [Choice(i, *pair, handle) for i, (pair, handle) in enumerate(zip(pairs, handles, strict=True))]


def cancel_choices(choices: Sequence[Choice]) -> None:
    """Free the rows of choices that have not ended: of a client that went away."""
    for choice in choices:
        if choice.handle.completion is None:
            choice.handle.cancel()


async def finished(choices: Sequence[Choice]) -> list[Choice]:
    """The choices once all have ended; where one fails or the caller is cancelled, the others are cancelled."""
    try:
        return list(await asyncio.gather(*(choice.finish() for choice in choices)))
    finally:
        cancel_choices(choices)


async def pieces_of(choices: Sequence[Choice]) -> AsyncGenerator[tuple[Choice, TextPiece | None]]:
    """Yield (choice, piece) of all choices as they come, and (choice, None) at the end of each."""
    queue: asyncio.Queue[tuple[Choice, TextPiece | BaseException | None]] = asyncio.Queue()

    async def read(choice):
        try:
            async for piece in choice.handle:
                queue.put_nowait((choice, piece))
            queue.put_nowait((choice, None))
        except Exception as error:
            queue.put_nowait((choice, error))

    tasks = [asyncio.ensure_future(read(choice)) for choice in choices]
    try:
        remaining = len(choices)
        while remaining:
            choice, piece = await queue.get()
            if isinstance(piece, BaseException):
                raise piece
            remaining -= piece is None
            yield choice, piece
    finally:
        for task in tasks:
            task.cancel()
        cancel_choices(choices)


def usage_of(choices: Sequence[Choice], prompt_tokens: int) -> dict[str, int]:
    """The usage of a request: a prompt counts once for all of its choices."""
    completion_tokens = sum(len(choice.handle.completion.ids) for choice in choices if choice.handle.completion)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
