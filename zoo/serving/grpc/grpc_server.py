"""The gRPC server: TensorFlow Serving's API, the Open Inference Protocol and health checking on one port."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from zoo.runtime.optional import import_optional
from zoo.serving.grpc import model_service, open_inference_service, prediction_service
from zoo.serving.grpc.health_service import HealthService
from zoo.serving.grpc.model_service import ModelService
from zoo.serving.grpc.open_inference_service import OpenInferenceService
from zoo.serving.grpc.prediction_service import PredictionService
from zoo.serving.http.server_address import check_grpc_port
from zoo.serving.service import Service
from zoo.serving.versions.tensorflow_import import import_tensorflow

SERVICES = (prediction_service.NAME, model_service.NAME, open_inference_service.NAME)
logger = logging.getLogger("zoo.serve")


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

    async def start(self, host: str = "127.0.0.1", port: int = 8500, certificate: str = "", key: str = "") -> int:
        """Listen, and return the port; port 0 is any that is free. Raises UserError for one that is in use.

        Args:
            certificate, key: PEM files for TLS; "" for none.
        """
        aio = import_optional("grpc.aio", "serve", "The gRPC server")
        options = {
            "grpc.max_receive_message_length": self.max_bytes,
            "grpc.max_send_message_length": -1,  # no limit
            "grpc.so_reuseport": 0,  # two servers on one port are a mistake
        }
        check_grpc_port(host, port)
        self._server = aio.server(options=tuple(options.items()))
        port = self._add_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", certificate, key)
        await asyncio.to_thread(import_tensorflow)  # whose messages are in those of TensorFlow Serving
        self._server.add_generic_rpc_handlers(self.handlers())
        await self._server.start()
        logger.info("gRPC of TensorFlow Serving and of the Open Inference Protocol: %s port %d", host, port)
        return port

    def _add_port(self, address, certificate, key):
        if not certificate:
            return self._server.add_insecure_port(address)
        from grpc import ssl_server_credentials

        pair = Path(key).read_bytes(), Path(certificate).read_bytes()
        return self._server.add_secure_port(address, ssl_server_credentials([pair]))

    async def stop(self, seconds: float) -> None:
        """Take no new call, let those in progress end for some seconds, then cancel them."""
        self.health.stop()
        await self._server.stop(seconds)

    def handlers(self) -> tuple[Any, ...]:
        """The handlers of all methods, which need `import_tensorflow` before."""
        return (
            PredictionService(self.service, self.max_bytes).handler(self.token),
            ModelService(self.service).handler(self.token),
            OpenInferenceService(self.service).handler(self.token),
            self.health.handler(),
        )
