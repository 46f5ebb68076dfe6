"""A generated answer of OpenAI's API: one JSON object, or a stream of events, for completions and for chats."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from zoo.generation.generation_handle import TextPiece
from zoo.generation.generation_request import GenerationRequest
from zoo.serving.openai.choices import Choice, cancel_choices, finished, pieces_of, start_choices, usage_of
from zoo.serving.openai.event_stream import CLIENT_CLOSED, EventStream, until_disconnected
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.openai.sampling_fields import SamplingFields
from zoo.serving.openai.text_model import TextModel


class ChoiceFormat(Protocol):
    """The form of the choices of one kind of answer.

    Attributes:
        kind, chunk_kind: `object` of an answer and of an event.
        prefix: of the id.
    """

    kind: str
    chunk_kind: str
    prefix: str

    def complete(self, choice: Choice) -> dict[str, Any]:
        """A choice whose text has ended."""
        ...

    def begin(self, choice: Choice) -> dict[str, Any] | None:
        """What a stream begins with; None for nothing."""
        ...

    def piece(self, choice: Choice, piece: TextPiece) -> dict[str, Any] | None:
        """A piece of a streamed choice; None for one without text or tokens to show."""
        ...

    def end(self, choice: Choice) -> dict[str, Any]:
        """The end of a streamed choice, with its finish reason."""
        ...


@dataclass(frozen=True)
class Answer:
    """An answer to a request that generates text.

    Args:
        model: its `TextModel`.
        name: of the model, as the client wrote it.
        fields: the `SamplingFields`.
        requests: for each prompt the requests of its choices.
        format: the form of the choices.
    """

    model: TextModel
    name: str
    fields: SamplingFields
    requests: Sequence[Sequence[GenerationRequest]]
    format: ChoiceFormat

    async def respond(self, receive: Any, resources: ExitStack) -> Any:
        """The ASGI answer; a stream takes the `resources` over, and closes them when it or its client ends."""
        limit = self.model.batch.max_queue
        if (count := sum(map(len, self.requests))) > limit:
            raise OpenAIError(f"Expected at most {limit} choices in all. Received: {count}.", "n", "invalid_value")
        choices = await asyncio.to_thread(start_choices, self.model.batch, self.requests)  # it decodes the prompts
        resources.callback(cancel_choices, choices)
        head = {"id": f"{self.format.prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": self.name}
        if self.fields.stream:
            events = self._events(choices, head | {"object": self.format.chunk_kind})
            return EventStream(events, resources.pop_all())
        from starlette.responses import JSONResponse, Response

        if not await until_disconnected(finished(choices), receive):
            return Response(status_code=CLIENT_CLOSED)
        complete_choices = [self.format.complete(choice) | {"index": i} for i, choice in enumerate(self._best(choices))]
        return JSONResponse(
            head | {"object": self.format.kind, "choices": complete_choices, "usage": self._usage(choices)}
        )

    def _best(self, choices):
        """The `n` choices of each prompt: of more, the likeliest."""
        best = []
        for prompt in range(len(self.requests)):
            group = [choice for choice in choices if choice.prompt == prompt]
            if len(group) > self.fields.n:
                group = sorted(group, key=lambda choice: -choice.mean_logprob)[: self.fields.n]
            best += group
        return best

    async def _events(self, choices, head) -> AsyncGenerator[dict[str, Any]]:
        usage = {"usage": None} if self.fields.include_usage else {}
        for choice in choices:
            if (start := self.format.begin(choice)) is not None:
                yield head | {"choices": [start | {"index": choice.index}]} | usage
        async for choice, piece in pieces_of(choices):
            part = self.format.end(choice) if piece is None else self.format.piece(choice, piece)
            if part is not None:
                yield head | {"choices": [part | {"index": choice.index}]} | usage
        if usage:
            yield head | {"choices": [], "usage": self._usage(choices)}

    def _usage(self, choices):
        return usage_of(choices, sum(group[0].prompt_tokens for group in self.requests))
