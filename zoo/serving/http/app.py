"""The ASGI application: the routes of every API over one `Service`, behind limits, authentication, log and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from zoo.runtime.optional import import_optional
from zoo.serving.http.bearer_token import BearerToken
from zoo.serving.http.error_answers import error_answer, serving_error_answer
from zoo.serving.http.error_boundary import ErrorBoundary
from zoo.serving.http.operations import HEALTH_PATHS, METRICS_PATHS
from zoo.serving.http.request_body import RequestBody
from zoo.serving.http.request_observer import PROBES, RequestObserver
from zoo.serving.service import Service
from zoo.serving.serving_error import ServingError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

Routes = Callable[[Service], Iterable["BaseRoute"]]

APIS = {  # {name in log and metrics: module with `routes(service)`}; the first route that matches answers
    "operations": "zoo.serving.http.operations",
    "openai": "zoo.serving.openai",
    "page": "zoo.serving.page.page_routes",
    "open_inference": "zoo.serving.open_inference.open_inference_routes",
    "rest": "zoo.serving.tensorflow_serving.tf_rest",  # of TensorFlow Serving, which answers every other path
}
OPEN_PATHS = (*HEALTH_PATHS, *PROBES, "/")  # need no token; "/" is the page


def create_app(service: Service, apis: Mapping[str, Routes] | None = None) -> Starlette:
    """The Starlette application of a service. Its startup begins to load the models, its shutdown ends the service.

    Args:
        service: the models; its settings are those of the application.
        apis: {name in log and metrics: function from the service to its routes}; default `APIS`.
    """
    applications = import_optional("starlette.applications", "serve", "zoo serve")
    from starlette.exceptions import HTTPException

    if apis is None:
        apis = {name: import_module(module).routes for name, module in APIS.items()}
    routes = {name: list(function(service)) for name, function in apis.items()}
    endpoints = {getattr(route, "endpoint", None): name for name, group in routes.items() for route in group}
    app = applications.Starlette(
        routes=[route for group in routes.values() for route in group],
        middleware=_middleware(service, endpoints),
        exception_handlers={HTTPException: _http_error, ServingError: _serving_error},
        lifespan=_lifespan(service),
    )
    app.router.redirect_slashes = False  # an unknown path is an error in JSON
    app.state.service = service
    return app


def _middleware(service, endpoints):
    """The middleware of an application, the outermost first."""
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    settings = service.settings
    stack = [Middleware(RequestObserver, metrics=service.metrics, apis=endpoints, log=settings.log)]
    if settings.allow_origins:
        stack += [
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allow_origins,
                allow_methods=("GET", "POST"),
                allow_headers=("*",),  # OpenAI's library sends some of its own; there are no cookies to protect
            )
        ]
    stack += [Middleware(ErrorBoundary)]
    if settings.token:
        open_paths = {*OPEN_PATHS, *(METRICS_PATHS if settings.open_metrics else ())}
        stack += [Middleware(BearerToken, token=settings.token, open_paths=open_paths)]
    return [*stack, Middleware(RequestBody, limit=settings.max_body_bytes, timeout=settings.request_timeout)]


def _http_error(request, error):
    return error_answer(request.scope, error.status_code, error.detail, error.headers)


def _serving_error(request, error):
    return serving_error_answer(request.scope, error)


def _lifespan(service):
    @asynccontextmanager
    async def lifespan(app):
        service.start()
        yield
        if before_close := getattr(app.state, "before_close", None):
            await before_close()
        await asyncio.to_thread(service.close)

    return lifespan
