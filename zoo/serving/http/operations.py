"""Routes for operating a server: health, readiness, metrics, and the description of its API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from zoo.serving.http.openapi import openapi
from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.routing import Route

HEALTH_PATHS = ("/healthz", "/readyz")  # open to all
METRICS_PATHS = ("/metrics", "/monitoring/prometheus/metrics")  # the second is TensorFlow Serving's


def routes(service: Service) -> list[Route]:
    """`/healthz`, `/readyz`, `/metrics` and `/openapi.json` of a service."""
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def healthz(request):
        return JSONResponse({"status": "live"})

    async def readyz(request):
        models = {
            name: {str(version): status.state.name for version, status in service.statuses(name).items()}
            for name in service.registry.names
        }
        status = "ready" if service.ready else "not ready"
        return JSONResponse({"status": status, "models": models}, 200 if service.ready else 503)

    async def metrics(request):
        accept = request.headers.get("accept", "")
        text, content_type = await asyncio.to_thread(service.metrics.text, accept)  # waits for TensorFlow
        return Response(text, headers={"content-type": content_type})

    async def description(request):
        return JSONResponse(openapi(service, request.scope.get("root_path", "")))

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        *(Route(path, metrics) for path in METRICS_PATHS),
        Route("/openapi.json", description),
    ]
