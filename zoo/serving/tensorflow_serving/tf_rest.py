"""TensorFlow Serving's REST API: predict, classify, regress, model status and metadata, with its paths and sentences.

Its paths are regular expressions over the path as sent, query and percent signs included, as in TensorFlow Serving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.serving.serving_error import ServingError, invalid
from zoo.serving.tensorflow_serving.tf_classify import classify, regress
from zoo.serving.tensorflow_serving.tf_json.document import parse_object
from zoo.serving.tensorflow_serving.tf_json.predict_answer import predict_answer
from zoo.serving.tensorflow_serving.tf_json.predict_request import predict_inputs, signature_name
from zoo.serving.tensorflow_serving.tf_json.results import error_body
from zoo.serving.tensorflow_serving.tf_paths import Target, match_path, path_as_sent
from zoo.serving.tensorflow_serving.tf_status import metadata_body, status_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from zoo.serving.service import Service

LONG_BODY = 2**16  # bytes of a body that is parsed in a thread, so that other requests need not wait
JSON = "application/json"


def routes(service: Service) -> list[Route]:
    """The route of every path, which TensorFlow Serving's REST answers: the last one of an application."""
    from starlette.routing import Route

    return [Route("/{path:path}", _Endpoint(service))]


class _Endpoint:
    """The ASGI application of all methods and paths."""

    def __init__(self, service: Service):
        self.service = service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request

        response = await respond(self.service, Request(scope, receive))
        await response(scope, receive, send)


async def respond(service: Service, request: Request) -> Response:
    """The response to a request: of TensorFlow Serving's REST, or its error."""
    from starlette.responses import Response

    try:
        return Response(await _answer(service, request), media_type=JSON)
    except ServingError as error:
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Response(error_body(error.message), error.http, headers, JSON)


async def _answer(service: Service, request: Request) -> bytes:
    target = match_path(request.method, path_as_sent(request.scope))
    if request.method == "GET":
        return _describe(service, target)
    answer = {"predict": _predict, "classify": classify, "regress": regress}[target.action]
    body = await request.body()
    document = await asyncio.to_thread(parse_object, body) if len(body) > LONG_BODY else parse_object(body)
    return await answer(service, target, document)


async def _predict(service: Service, target: Target, document: Mapping[str, Any]) -> bytes:
    name = signature_name(document)
    with service.lease(target.model, target.version, target.label) as model:
        form, inputs = predict_inputs(document, model.signature(name).inputs, name)
        outputs = await service.run(model, name, inputs)
    return predict_answer(outputs, form)


def _describe(service: Service, target: Target) -> bytes:
    if not target.model:
        raise invalid("Missing model name in request.")
    if target.action != "metadata":
        return status_body(service, target.model, target.version)
    with service.lease(target.model, target.version, target.label) as model:
        return metadata_body(model)
