"""GRPCInferenceService of the Open Inference Protocol: liveness, readiness, metadata and inference over gRPC."""

from __future__ import annotations

from typing import Any

from zoo.serving.grpc.infer_messages import read_infer_request, write_infer_response
from zoo.serving.grpc.open_inference_messages import PACKAGE, messages
from zoo.serving.grpc.rpc_handlers import RpcHandlers
from zoo.serving.open_inference.inference import infer, lease
from zoo.serving.open_inference.model_metadata import SERVER, is_ready, model_metadata, repository_index
from zoo.serving.service import Service

NAME = f"{PACKAGE}.GRPCInferenceService"


class OpenInferenceService:
    """The methods of GRPCInferenceService over the models of a `Service`."""

    def __init__(self, service: Service):
        self.service = service

    def handler(self, token: str) -> Any:
        """The handler of all methods, as grpc's server takes it. Liveness and readiness need no token."""
        requests, handlers = messages(), RpcHandlers(self.service, NAME, token)
        handlers.add("ServerLive", self.server_live, requests.ServerLiveRequest, is_open=True)
        handlers.add("ServerReady", self.server_ready, requests.ServerReadyRequest, is_open=True)
        handlers.add("ModelReady", self.model_ready, requests.ModelReadyRequest)
        handlers.add("ServerMetadata", self.server_metadata, requests.ServerMetadataRequest)
        handlers.add("ModelMetadata", self.model_metadata, requests.ModelMetadataRequest)
        handlers.add("ModelInfer", self.model_infer, requests.ModelInferRequest)
        handlers.add("RepositoryIndex", self.repository_index, requests.RepositoryIndexRequest)
        return handlers.generic_handler()

    async def server_live(self, _: Any) -> Any:
        """Whether the server answers."""
        return messages().ServerLiveResponse(live=True)

    async def server_ready(self, _: Any) -> Any:
        """Whether every model can be used."""
        return messages().ServerReadyResponse(ready=self.service.ready)

    async def model_ready(self, request: Any) -> Any:
        """Whether a model can be used. Raises ServingError for an unknown model."""
        ready = is_ready(self.service, request.name, request.version)
        return messages().ModelReadyResponse(ready=ready)

    async def server_metadata(self, _: Any) -> Any:
        """The name, version and extensions of the server."""
        return messages().ServerMetadataResponse(**SERVER)

    async def model_metadata(self, request: Any) -> Any:
        """The inputs and outputs of a model's serving_default."""
        with lease(self.service, request.name, request.version) as model:
            return messages().ModelMetadataResponse(**model_metadata(self.service, model))

    async def model_infer(self, request: Any) -> Any:
        """The outputs of a model, as raw bytes where the inputs are so."""
        response = await infer(self.service, read_infer_request(request))
        return write_infer_response(response, raw=bool(request.raw_input_contents))

    async def repository_index(self, request: Any) -> Any:
        """The state of each version of each model."""
        return messages().RepositoryIndexResponse(models=repository_index(self.service, request.ready))
