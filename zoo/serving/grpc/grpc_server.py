"""The gRPC server: TensorFlow Serving's API, the Open Inference Protocol and health checking on one port."""

from __future__ import annotations

from typing import Any

from zoo.runtime.errors import UserError
from zoo.runtime.optional import import_optional
from zoo.serving.grpc import model_service, open_inference_service, prediction_service
from zoo.serving.grpc.health_service import HealthService
from zoo.serving.grpc.model_service import ModelService
from zoo.serving.grpc.open_inference_service import OpenInferenceService
from zoo.serving.grpc.prediction_service import PredictionService
from zoo.serving.service import Service

SERVICES = (prediction_service.NAME, model_service.NAME, open_inference_service.NAME)


class GrpcServer:
    """A gRPC server in the event loop of the HTTP server.

    Args:
        service: the models.
        token: bearer token that every call but a health check must bring; "" for none.
        max_bytes: of a message, and of each input in memory.
    """

    def __init__(self, service: Service, token: str = "", max_bytes: int = 4 * 2**20):
        self.service, self.token, self.max_bytes = service, token, max_bytes
        self.health = HealthService(service, SERVICES)
        self._server: Any = None

    async def start(self, host: str = "127.0.0.1", port: int = 8500) -> int:
        """Listen, and return the port; port 0 is any that is free. Raises UserError for one that is in use."""
        aio = import_optional("grpc.aio", "serve", "The gRPC server")
        options = {
            "grpc.max_receive_message_length": self.max_bytes,
            "grpc.max_send_message_length": -1,  # no limit
            "grpc.so_reuseport": 0,  # two servers on one port are a mistake
        }
        self._server = aio.server(handlers=self._handlers(), options=tuple(options.items()))
        try:
            bound = self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError:
            raise UserError(f"Expected a free port for gRPC. Received: {host}:{port}, which cannot be used.") from None
        await self._server.start()
        return bound

    async def stop(self, seconds: float) -> None:
        """Take no new call, let those in progress end for some seconds, then cancel them."""
        self.health.stop()
        await self._server.stop(seconds)

    def _handlers(self):
        return [
            PredictionService(self.service, self.max_bytes).handler(self.token),
            ModelService(self.service).handler(self.token),
            OpenInferenceService(self.service).handler(self.token),
            self.health.handler(),
        ]
