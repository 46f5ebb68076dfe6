"""ModelSpec of TensorFlow Serving's gRPC API: which model, version and signature a request is for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel


def require_spec(request: Any) -> Any:
    """The `model_spec` of a request. Raises ServingError for a request without one."""
    if not request.HasField("model_spec"):
        raise ServingError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec


def lease(service: Service, spec: Any) -> AbstractContextManager[LoadedModel]:
    """The lease of the model that a ModelSpec names: `Service.lease`. Raises ServingError for a spec without a name."""
    if not spec.name:
        raise ServingError(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label" and not spec.version_label:
        raise ServingError(Code.INVALID_ARGUMENT, "Unrecognized servable version label: ")
    version = spec.version.value if choice == "version" else None
    return service.lease(spec.name, version, spec.version_label)


def signature_name(spec: Any) -> str:
    """The name of the signature that a ModelSpec names, or the default."""
    return spec.signature_name or DEFAULT_SIGNATURE


def write_spec(response: Any, model: LoadedModel, signature: str = "") -> None:
    """Say in the `model_spec` of a response which model, version and signature has answered."""
    response.model_spec.name = model.name
    response.model_spec.version.value = model.version
    response.model_spec.signature_name = signature
