"""Error answers over HTTP: always JSON, in the form that the clients of a path expect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.serving_error import ServingError

if TYPE_CHECKING:
    from starlette.responses import Response

OPENAI = ("/openai/", "/v1/chat/", "/v1/completions", "/v1/embeddings")  # paths whose errors have OpenAI's form


def route_path(scope: Mapping[str, Any]) -> str:
    """The path of a request, without the root path of a proxy."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def error_answer(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": message}`, as TensorFlow Serving and the Open Inference Protocol have it, or OpenAI's error object."""
    from starlette.responses import Response

    body = OpenAIError(message, status=status).body if path.startswith(OPENAI) else {"error": message}
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, dict(headers or {}), "application/json")


def serving_error_answer(path: str, error: ServingError) -> Response:
    """The answer of a `ServingError`, with the headers that its status asks for."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.http == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return error_answer(path, error.http, error.message, headers)
