"""The Open Inference Protocol in the OpenAPI description of a server."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from zoo.serving.http.openapi_operation import ERRORS, answer, operation
from zoo.serving.open_inference.datatypes import BYTES, DATATYPES
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.signature_defs import Signature, TensorSpec

OBJECT = {"type": "object"}
PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
TENSOR = {"type": "object", "required": ["name", "datatype", "shape"]}
RESULT = {
    "type": "object",
    "required": ["model_name", "model_version", "outputs"],
    "properties": {"outputs": {"type": "array", "items": TENSOR}},
}


def open_inference_paths(service: Service) -> dict[str, Any]:
    """`{path: operations}` of the protocol, for each loaded model and version."""
    paths = _server_paths()
    for name, versions in service.models.items():
        paths |= _model_paths(f"/v2/models/{quote(name)}", versions[max(versions)])
        for version, model in versions.items():
            paths |= _model_paths(f"/v2/models/{quote(name)}/versions/{version}", model)
    return paths


def _server_paths():
    ready = answer("All are.", OBJECT) | answer("Not yet, or the server is ending.", OBJECT, "503")
    index = operation("The state of each version of each model", answer("The states.", {"type": "array"}), "400", "401")
    schema = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
    index["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return {
        "/v2": {"get": operation("Name, version and extensions of the server", answer("They.", OBJECT), "401")},
        "/v2/health/live": {
            "get": operation("Whether the server answers", answer("It does.", OBJECT), open_to_all=True)
        },
        "/v2/health/ready": {"get": operation("Whether every model is loaded", ready, open_to_all=True)},
        "/v2/repository/index": {"post": index},
    }


def _model_paths(path: str, model: LoadedModel):
    infer = operation(f"Infer with {model.name}", answer("The outputs.", RESULT), *ERRORS)
    schema = {"anyOf": [_request(spec, model) for spec in model.signatures.values()]}
    infer["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    metadata = answer("They.", {"type": "object", "required": ["name", "platform", "inputs", "outputs"]})
    ready = answer("It can.", OBJECT) | answer("It is loading.", OBJECT, "503")
    return {
        path: {"get": operation(f"Inputs and outputs of {model.name}", metadata, "400", "401", "404")},
        f"{path}/ready": {"get": operation(f"Whether {model.name} can be used", ready, "401", "404")},
        f"{path}/infer": {"post": infer},
    }


def _request(signature: Signature, model: LoadedModel) -> dict[str, Any]:
    """The schema of a request for a signature."""
    defaults = model.signature_protos[signature.name].defaults
    outputs = {"type": "object", "required": ["name"], "properties": {"name": {"enum": list(signature.outputs)}}}
    parameters: dict[str, Any] = {**PARAMETERS, "properties": {"signature": {"const": signature.name}}}
    is_default = signature.name == "serving_default"
    inputs = {
        "type": "array",
        "items": {"anyOf": [_input(name, spec) for name, spec in signature.inputs.items()]},
        "minItems": sum(name not in defaults for name in signature.inputs),
        "maxItems": len(signature.inputs),
    }
    return {
        "type": "object",
        "required": ["inputs"] if is_default else ["inputs", "parameters"],
        "properties": {
            "id": {"type": "string"},
            "parameters": parameters if is_default else parameters | {"required": ["signature"]},
            "inputs": inputs,
            "outputs": {"type": "array", "items": outputs, "uniqueItems": True},
        },
    }


def _input(name: str, spec: TensorSpec) -> dict[str, Any]:
    """The schema of an input, whose `data` has as many elements as `shape` says."""
    datatype = DATATYPES.get(spec.dtype, BYTES)
    element = {BYTES: "string", "BOOL": "boolean"}.get(datatype, "integer" if "INT" in datatype else "number")
    rank = {} if spec.shape is None else {"minItems": len(spec.shape), "maxItems": len(spec.shape)}
    return {
        **TENSOR,
        "required": [*TENSOR["required"], "data"],
        "properties": {
            "name": {"const": name},
            "datatype": {"const": datatype},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, **rank},
            "parameters": PARAMETERS,
            "data": {"type": "array", "items": {"anyOf": [{"type": element}, {"type": "array"}]}},
        },
    }
