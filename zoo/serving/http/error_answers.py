"""Error answers over HTTP: always JSON, in the form that the clients of a path expect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from zoo.serving.openai import LIBRARY_HEADER
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.serving_error import ServingError

if TYPE_CHECKING:
    from starlette.responses import Response

OPENAI = ("/openai/", "/v1/chat/", "/v1/completions", "/v1/embeddings")  # paths whose errors have OpenAI's form


def route_path(scope: Mapping[str, Any]) -> str:
    """The path of a request, without the root path of a proxy."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def error_answer(
    scope: Mapping[str, Any], status: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer of an error to the request of a scope of ASGI.

    `{"error": message}`, as TensorFlow Serving and the Open Inference Protocol have it; OpenAI's error object for its
    paths and its libraries, which show no other message.
    """
    from starlette.responses import Response

    is_openai = route_path(scope).startswith(OPENAI) or LIBRARY_HEADER in dict(scope["headers"])
    body = OpenAIError(message, status=status).body if is_openai else {"error": message}
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, dict(headers or {}), "application/json")


def serving_error_answer(scope: Mapping[str, Any], error: ServingError) -> Response:
    """The answer of a `ServingError`, with the headers that its status asks for."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.http == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return error_answer(scope, error.http, error.message, headers)
