"""The REST API of the Open Inference Protocol: the routes below /v2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from zoo.runtime.errors import shorten
from zoo.serving.open_inference.inference import SIGNATURE, infer, lease
from zoo.serving.open_inference.inference_json import expect, json_bytes, parse_body, read_request, write_response
from zoo.serving.open_inference.model_metadata import SERVER, is_ready, model_metadata, repository_index
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

JSON, BINARY = "application/json", "application/octet-stream"
JSON_SIZE = "Inference-Header-Content-Length"  # bytes of the JSON, where bytes of tensors follow it
NO_LOADING = "A client cannot load or unload a model: a new version folder is served without a request."


def routes(service: Service) -> list[BaseRoute]:
    """The routes of the protocol. Every path below /v2 that is none of them answers 404 in JSON."""
    from starlette.routing import Route

    api = OpenInference(service)
    model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    repository = "/v2/repository/models/{model}"
    table = (
        ("GET", ("/v2", "/v2/"), api.server_metadata),
        ("GET", ("/v2/health/live",), api.live),
        ("GET", ("/v2/health/ready",), api.ready),
        ("POST", ("/v2/repository/index",), api.index),
        ("POST", (f"{repository}/load", f"{repository}/unload"), api.load),
        ("GET", (model, version), api.model_metadata),
        ("GET", (f"{model}/ready", f"{version}/ready"), api.model_ready),
        ("POST", (f"{model}/infer", f"{version}/infer"), api.infer),
        ("", ("/v2/{path:path}",), api.unknown),
    )
    return [Route(path, Endpoint(handler, method)) for method, paths, handler in table for path in paths]


class OpenInference:
    """The handlers of the routes: each takes a request and returns a JSON value or a response."""

    def __init__(self, service: Service):
        self.service = service

    async def server_metadata(self, _: Request) -> dict[str, Any]:
        """The name, version and extensions of the server."""
        return SERVER

    async def live(self, _: Request) -> dict[str, bool]:
        """Whether the server answers."""
        return {"live": True}

    async def ready(self, _: Request) -> Response:
        """Whether every model can be used: status 200, else 503."""
        return json_response({"ready": self.service.ready}, 200 if self.service.ready else 503)

    async def index(self, request: Request) -> list[dict[str, str]]:
        """The state of each version of each model; with `{"ready": true}` only of those that can be used."""
        fields = expect(parse_body(await request.body() or b"{}"), dict, "the request")
        return repository_index(self.service, ready_only=expect(fields.get("ready", False), bool, "ready"))

    async def load(self, _: Request) -> None:
        """Refuse to load or unload a model."""
        raise ServingError(Code.UNIMPLEMENTED, NO_LOADING)

    async def model_metadata(self, request: Request) -> dict[str, Any]:
        """The inputs and outputs of a model, of serving_default or of the signature that the query names."""
        with lease(self.service, *_model(request)) as model:
            return model_metadata(self.service, model, request.query_params.get(SIGNATURE, ""))

    async def model_ready(self, request: Request) -> Response:
        """Whether a model can be used: status 200, else 503. Raises ServingError for an unknown model."""
        name, version = _model(request)
        ready = is_ready(self.service, name, version)
        return json_response({"name": name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        """The outputs of a model."""
        from starlette.responses import Response

        body = await request.body()
        response = await infer(self.service, read_request(*_model(request), body, _json_size(request, len(body))))
        body, json_size = write_response(response)
        if json_size is None:
            return Response(body, media_type=JSON)
        return Response(body, headers={JSON_SIZE: str(json_size)}, media_type=BINARY)

    async def unknown(self, request: Request) -> None:
        """Refuse a path that is none of the protocol's."""
        message = f"The Open Inference Protocol has no {request.method} {shorten(request.url.path)}."
        raise ServingError(Code.NOT_FOUND, message)


class Endpoint:
    """An ASGI application that answers with a handler: its response, or its value in JSON.

    Args:
        handler: of a request. What it raises is answered by the middleware of the server.
        method: of HTTP; "" for any.
    """

    def __init__(self, handler: Callable[[Request], Awaitable[Any]], method: str):
        self.handler, self.method = handler, method

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.exceptions import HTTPException
        from starlette.requests import Request
        from starlette.responses import Response

        request = Request(scope, receive)
        method = "GET" if request.method == "HEAD" else request.method
        if self.method and method != self.method:
            message = f"Expected the method {self.method}. Received: {shorten(request.method)}."
            raise HTTPException(405, message, {"Allow": self.method})
        value = await self.handler(request)
        response = value if isinstance(value, Response) else json_response(value)
        await response(scope, receive, send)


def json_response(value: Any, status: int = 200) -> Response:
    """The response of a JSON value."""
    from starlette.responses import Response

    return Response(json_bytes(value), status, media_type=JSON)


def _model(request):
    """`(model, version)` of the path."""
    return request.path_params["model"], request.path_params.get("version", "")


def _json_size(request, size):
    """The bytes of JSON that a header names, from 0 to the size of the body; None without that header."""
    text = request.headers.get(JSON_SIZE)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= size):
        message = f"Expected the header {JSON_SIZE} from 0 to {size}, the bytes of the body."
        raise ServingError(Code.INVALID_ARGUMENT, f"{message} Received: {shorten(text)}.")
    return int(text)
