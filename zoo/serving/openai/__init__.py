"""The OpenAI-compatible API: completions, chat completions, embeddings and models, for models that generate or embed.

https://platform.openai.com/docs/api-reference. A parameter that is not supported is refused, never ignored. The paths
begin with `/v1`, and the same with `/openai/v1`, where they meet no path of TensorFlow Serving's REST API: of
`GET /v1/models/NAME`, which both have, requests of OpenAI's clients get OpenAI's answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.routing import Route

PREFIXES = ("/openai/v1", "/v1")
CLIENT_HEADER = b"x-stainless-lang"  # of OpenAI's client libraries


def routes(service: Service, access: ModelAccess | None = None) -> list[Route]:
    """The routes of the API. `access` sets how many texts a model generates at once; None: 32, and 256 that wait."""
    from starlette.routing import Match, Route

    from zoo.serving.openai.chat_api import chat_completions
    from zoo.serving.openai.completions_api import completions
    from zoo.serving.openai.embeddings_api import embeddings
    from zoo.serving.openai.models_api import list_models, retrieve_model

    class ClientRoute(Route):
        """A route that matches only requests of OpenAI's clients."""

        def matches(self, scope):
            is_client = any(name == CLIENT_HEADER for name, _ in scope.get("headers", ()))
            return super().matches(scope) if is_client else (Match.NONE, {})

    access, table = access or ModelAccess(service), []
    for prefix in PREFIXES:
        retrieval = Route if prefix == PREFIXES[0] else ClientRoute
        table += [
            Route(f"{prefix}/completions", completions(access), methods=["POST"]),
            Route(f"{prefix}/chat/completions", chat_completions(access), methods=["POST"]),
            Route(f"{prefix}/embeddings", embeddings(access), methods=["POST"]),
            Route(f"{prefix}/models", list_models(access), methods=["GET"]),
            retrieval(f"{prefix}/models/{{model}}", retrieve_model(access), methods=["GET"]),
        ]
    return table
