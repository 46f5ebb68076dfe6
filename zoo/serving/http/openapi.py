"""The OpenAPI description of a server, from the signatures of its loaded models."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from zoo.runtime.version import VERSION
from zoo.serving.http.openapi_operation import ERROR, ERRORS, answer, operation
from zoo.serving.open_inference.open_inference_openapi import open_inference_paths
from zoo.serving.openai.openai_openapi import openai_paths
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.signature_defs import Signature, TensorSpec

BINARY = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": {"type": "string", "format": "byte"}},
    "additionalProperties": False,
}


def openapi(service: Service, root_path: str = "") -> dict[str, Any]:
    """The OpenAPI 3.1 description of every API of a service."""
    paths = {**_operation_paths(), **openai_paths(service), **open_inference_paths(service)}
    for name, versions in service.models.items():
        latest = versions[max(versions)]
        paths |= _model_paths(f"/v1/models/{quote(name)}", latest)
        for version, model in versions.items():
            paths |= _model_paths(f"/v1/models/{quote(name)}/versions/{version}", model)
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "zoo serve", "version": VERSION},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR}},
    }
    if root_path:
        description["servers"] = [{"url": root_path}]
    if service.settings.token:
        description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        description["security"] = [{"token": []}]
    return description


def _operation_paths():
    """The paths of `zoo.serving.http.operations`."""
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/healthz": {"get": operation("Whether the process lives", answer("It does.", status), open_to_all=True)},
        "/readyz": {
            "get": operation(
                "Whether every model is loaded and warmed up",
                answer("All are.", status) | answer("Not yet, or the server is ending.", status, "503"),
                open_to_all=True,
            )
        },
        "/metrics": {"get": operation("Metrics for Prometheus", {"200": {"description": "Metrics.", **text}}, "401")},
        "/openapi.json": {"get": operation("This description", answer("It.", {"type": "object"}), "401")},
    }


def _model_paths(path: str, model: LoadedModel):
    """The paths of a model, or of one version of it, in the REST API of TensorFlow Serving."""
    outputs = {"type": "object", "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}]}
    predict = operation(f"Predict with {model.name}", answer("The outputs.", outputs), *ERRORS)
    schema = {"anyOf": [form for signature in model.signatures.values() for form in _request_forms(signature)]}
    predict["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    status = answer("The state of each version.", {"type": "object", "required": ["model_version_status"]})
    metadata = answer("The signatures.", {"type": "object", "required": ["model_spec", "metadata"]})
    return {
        f"{path}:predict": {"post": predict},
        path: {"get": operation(f"The versions of {model.name}", status, "401", "404")},
        f"{path}/metadata": {"get": operation(f"The signatures of {model.name}", metadata, "401", "404")},
    }


def _request_forms(signature: Signature):
    """The row format (`instances`) and the column format (`inputs`) of a request for a signature."""
    columns = {name: _array(spec, spec.shape) for name, spec in signature.inputs.items()}
    rows = {name: _array(spec, spec.shape[1:] if spec.shape else ()) for name, spec in signature.inputs.items()}
    for key, schemas in (("inputs", columns), ("instances", rows)):
        value: Any = {"type": "object", "properties": schemas, "required": sorted(schemas)}
        if len(schemas) == 1:
            value = {"anyOf": [value, *schemas.values()]}
        value = value if key == "inputs" else {"type": "array", "items": value, "minItems": 1}
        name = {"signature_name": {"const": signature.name}}
        required = [key] if signature.name == "serving_default" else [key, "signature_name"]
        yield {"type": "object", "properties": {**name, key: value}, "required": required}


def _array(spec: TensorSpec, shape) -> dict[str, Any]:
    """The JSON schema of a tensor: nested arrays of its shape; for an unknown rank any."""
    if shape is None:
        return {}
    schema = _value(spec.dtype)
    for size in reversed(shape):
        schema = {"type": "array", "items": schema} | ({"minItems": size, "maxItems": size} if size else {})
    return schema


def _value(dtype) -> dict[str, Any]:
    if dtype == "string":
        return {"anyOf": [{"type": "string"}, BINARY]}
    if dtype == "bool":
        return {"type": "boolean"}
    return {"type": "integer" if "int" in dtype else "number"}
