"""ModelService of TensorFlow Serving over gRPC: the state of each version of a model."""

from __future__ import annotations

from typing import Any

from zoo.serving.grpc.model_spec import require_spec
from zoo.serving.grpc.rpc_handlers import generic_handler, unary_handler, unimplemented_handler
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
        get_status = unary_handler(self.get_model_status, messages().GetModelStatusRequest, token)
        reload_config = unimplemented_handler(NO_RELOAD)
        return generic_handler(NAME, {"GetModelStatus": get_status, "HandleReloadConfigRequest": reload_config})

    async def get_model_status(self, request: Any) -> Any:
        """The GetModelStatusResponse: the state of the version that the request names, or of all versions."""
        spec = require_spec(request)
        versions = self.service.models.get(spec.name, {})
        response = messages().GetModelStatusResponse()
        if spec.WhichOneof("version_choice") == "version":
            version = spec.version.value
            if version not in versions:
                message = f"Could not find version {version} of model {spec.name}"
                raise ServingError(Code.NOT_FOUND, message)
            versions = {version: versions[version]}
        elif not versions:
            raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        for version in versions:
            response.model_version_status.add(version=version, state="AVAILABLE").status.SetInParent()
        return response
