"""ModelService of TensorFlow Serving over gRPC: the state of each version of a model."""

from __future__ import annotations

from typing import Any

from zoo.serving.grpc.model_spec import require_spec
from zoo.serving.grpc.rpc_handlers import RpcHandlers
from zoo.serving.grpc.tensorflow_serving_messages import PACKAGE, messages
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

NAME = f"{PACKAGE}.ModelService"
NO_RELOAD = "A client cannot change which folders are served: a new version folder is served without a request."


class ModelService:
    """The methods of ModelService over the models of a `Service`."""

    def __init__(self, service: Service):
        self.service = service

    def handler(self, token: str) -> Any:
        """The handler of all methods, as grpc's server takes it."""
        handlers = RpcHandlers(self.service, NAME, token)
        handlers.add("GetModelStatus", self.get_model_status, messages().GetModelStatusRequest)
        handlers.add_unimplemented("HandleReloadConfigRequest", NO_RELOAD)
        return handlers.generic_handler()

    async def get_model_status(self, request: Any) -> Any:
        """The GetModelStatusResponse: the state of the version that the request names, or of all versions."""
        spec = require_spec(request)
        statuses = self.service.statuses(spec.name)
        response = messages().GetModelStatusResponse()
        if spec.WhichOneof("version_choice") == "version":
            version = spec.version.value
            if version not in statuses:
                message = f"Could not find version {version} of model {spec.name}"
                raise ServingError(Code.NOT_FOUND, message)
            statuses = {version: statuses[version]}
        elif not statuses:
            raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        for version, status in statuses.items():
            error = {"error_code": status.code.number if status.code else 0, "error_message": status.message}
            response.model_version_status.add(version=version, state=int(status.state), status=error)
        return response
