"""The OpenAPI description of a server, from the signatures of its loaded models."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from zoo.runtime.version import VERSION
from zoo.serving.loaded_model import LoadedModel
from zoo.serving.service import Service
from zoo.serving.signatures import Signature, TensorSpec

ERRORS = {  # {status: when a model answers it}
    "400": "The request does not fit the signature, or is beyond a limit on rows or characters.",
    "401": "The bearer token is missing or wrong.",
    "404": "The model or version is not loaded.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The Content-Encoding is unknown.",
    "429": "The queue is full; Retry-After says when to try again.",
    "500": "A bug in the server; its log has the traceback under the request id.",
    "503": "TensorFlow is not available.",
    "504": "The model did not answer in time.",
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
BINARY = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": {"type": "string", "format": "byte"}},
    "additionalProperties": False,
}


def openapi(service: Service, root_path: str = "") -> dict[str, Any]:
    """The OpenAPI 3.1 description: operations, and the REST API of TensorFlow Serving for each loaded model."""
    paths = {**_operation_paths()}
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
    """The paths of `zoo.serving.operations`."""
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/healthz": {"get": _operation("Whether the process lives", _answer("It does.", status), open_to_all=True)},
        "/readyz": {
            "get": _operation(
                "Whether every model is loaded and warmed up",
                _answer("All are.", status) | _answer("Not yet, or the server is ending.", status, "503"),
                open_to_all=True,
            )
        },
        "/metrics": {"get": _operation("Metrics for Prometheus", {"200": {"description": "Metrics.", **text}}, "401")},
        "/openapi.json": {"get": _operation("This description", _answer("It.", {"type": "object"}), "401")},
    }


def _model_paths(path: str, model: LoadedModel):
    """The paths of a model, or of one version of it, in the REST API of TensorFlow Serving."""
    answer = {"type": "object", "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}]}
    predict = _operation(f"Predict with {model.name}", _answer("The outputs.", answer), *ERRORS)
    schema = {"anyOf": [form for signature in model.signatures.values() for form in _request_forms(signature)]}
    predict["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    status = _answer("The state of each version.", {"type": "object", "required": ["model_version_status"]})
    metadata = _answer("The signatures.", {"type": "object", "required": ["model_spec", "metadata"]})
    return {
        f"{path}:predict": {"post": predict},
        path: {"get": _operation(f"The versions of {model.name}", status, "401", "404")},
        f"{path}/metadata": {"get": _operation(f"The signatures of {model.name}", metadata, "401", "404")},
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


def _operation(summary, answers, *errors, open_to_all=False) -> dict[str, Any]:
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failures = {status: {"description": ERRORS[status], "content": schema} for status in errors}
    return {"summary": summary, "responses": answers | failures} | ({"security": []} if open_to_all else {})


def _answer(description, schema, status="200"):
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}
