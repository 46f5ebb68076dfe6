"""The ASGI application: the routes of every API over one `Service`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.applications import Starlette


def create_app(service: Service) -> Starlette:
    """The Starlette application of a service. Each API is a module with a function `routes(service)`."""
    from starlette.applications import Starlette

    routes = []  # the most specific first; TensorFlow Serving's REST answers every other path
    return Starlette(routes=routes)
