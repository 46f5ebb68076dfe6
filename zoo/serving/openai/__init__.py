"""The OpenAI-compatible API: completions, chat completions, embeddings and models, for models that generate or embed.

https://platform.openai.com/docs/api-reference. A parameter that is not supported is refused, never ignored. The paths
begin with `/v1`, and the same with `/openai/v1`, where they meet no path of TensorFlow Serving's REST API. Of the paths
that both have, `GET /v1/models` is OpenAI's for clients that send an API key, as OpenAI's all do, and
`GET /v1/models/NAME` for OpenAI's own libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.routing import Route

PREFIXES = ("/openai/v1", "/v1")
LIBRARY_HEADER = b"x-stainless-lang"  # of OpenAI's own libraries
CLIENT_HEADERS = {LIBRARY_HEADER, b"authorization"}


def routes(service: Service, access: ModelAccess | None = None) -> list[Route]:
    """The routes of the API. `access` sets how many texts a model generates at once; None: 32, and 256 that wait."""
    from starlette.routing import Match, Route

    from zoo.serving.openai.chat_api import chat_completions
    from zoo.serving.openai.completions_api import completions
    from zoo.serving.openai.embeddings_api import embeddings
    from zoo.serving.openai.models_api import list_models, retrieve_model

    class ClientRoute(Route):
        """A route that matches only requests with one of some headers."""

        def __init__(self, path, endpoint, headers):
            super().__init__(path, endpoint, methods=["GET"])
            self.headers = headers

        def matches(self, scope):
            names = {name for name, _ in scope.get("headers", ())}
            return (Match.NONE, {}) if names.isdisjoint(self.headers) else super().matches(scope)

    access = access or ModelAccess(service)
    api = {
        "completions": completions(access),
        "chat/completions": chat_completions(access),
        "embeddings": embeddings(access),
    }
    posts = [Route(f"{prefix}/{path}", api[path], methods=["POST"]) for prefix in PREFIXES for path in api]
    separate, shared = PREFIXES
    listing, retrieval = list_models(access), retrieve_model(access)
    return [
        *posts,
        Route(f"{separate}/models", listing, methods=["GET"]),
        Route(f"{separate}/models/{{model}}", retrieval, methods=["GET"]),
        ClientRoute(f"{shared}/models", listing, CLIENT_HEADERS),
        ClientRoute(f"{shared}/models/{{model}}", retrieval, {LIBRARY_HEADER}),
    ]
