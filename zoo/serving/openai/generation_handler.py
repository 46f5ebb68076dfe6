"""The handler of requests that generate text, which completions and chat completions share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.openai.openai_error import answering
from zoo.serving.openai.request_fields import check_fields, read_json


def generation_handler(
    access: ModelAccess,
    fields: Mapping[str, Any],
    unsupported: Mapping[str, tuple],
    make_answer: Callable[[Any, dict[str, Any]], Any],
) -> Any:
    """The handler of a path.

    Args:
        access: to the models.
        fields, unsupported: of the body of a request: see `zoo.serving.openai.request_fields.check_fields`.
        make_answer: from a `TextModel` and the checked values of a request to an `Answer`.
    """

    @answering
    async def handle(request):
        values = check_fields(read_json(await request.body()), fields, unsupported)
        with ExitStack() as stack:
            text_model = await access.text_model(stack.enter_context(access.lease(values.get("model"))))
            answer = await asyncio.to_thread(make_answer, text_model, values)
            return await answer.respond(request.receive, stack)

    return handle
