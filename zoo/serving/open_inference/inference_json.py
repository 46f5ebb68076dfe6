"""The JSON of an inference, with the binary tensor data extension: bytes of tensors that follow the JSON in the body.

The extension is Triton's, and KServe's: docs/protocol/extension_binary_data.md of the Triton server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.runtime.errors import UserError, shorten
from zoo.runtime.json_text import parse_json
from zoo.serving.open_inference.binary_tensors import array_from_bytes, bytes_from_array
from zoo.serving.open_inference.datatypes import BYTES, datatype_of
from zoo.serving.open_inference.inference import InferenceRequest, InferenceResponse, check_datatype
from zoo.serving.open_inference.json_tensors import BASE64, array_from_json, json_from_array
from zoo.serving.serving_error import invalid

SIZE, BINARY, BINARY_OUTPUT = "binary_data_size", "binary_data", "binary_data_output"  # parameters of the extension
CONTENT_TYPE = "content_type"  # parameter of a tensor of BYTES


def read_request(model: str, version: str, body: bytes, json_size: int | None = None) -> InferenceRequest:
    """The request in a body.

    Args:
        json_size: bytes of the JSON at the start of the body, which bytes of tensors follow; None for JSON alone.

    Raises ServingError, INVALID_ARGUMENT, for a body that is not as the protocol says.
    """
    json_size = len(body) if json_size is None else json_size
    fields = expect(parse_body(body[:json_size]), dict, "the request")
    inputs, tail = {}, memoryview(body)[json_size:]
    for item in expect(fields.get("inputs"), list, "inputs"):
        name = _name(item, "inputs", inputs)
        inputs[name], tail = _read_input(name, item, tail)
    if len(tail):
        raise invalid(f"Expected no bytes after those of the inputs. Received: {len(tail)}.")
    outputs = {}
    for item in expect(fields.get("outputs") or [], list, "outputs"):
        name = _name(item, "outputs", outputs)
        outputs[name] = _parameters(item)
    request_id = expect(fields.get("id", ""), str, "id")
    return InferenceRequest(model, version, request_id, _parameters(fields), inputs, outputs)


def write_response(response: InferenceResponse) -> tuple[bytes, int | None]:
    """`(body, bytes of its JSON)`; None where no bytes of tensors follow the JSON."""
    request = response.request
    fields: dict[str, Any] = {"model_name": request.model, "model_version": str(response.version)}
    if request.id:
        fields["id"] = request.id
    parameters = {name: value for name, value in request.parameters.items() if name != BINARY_OUTPUT}
    if parameters:
        fields["parameters"] = parameters
    all_binary = _flag(request.parameters, BINARY_OUTPUT, False)
    outputs, tensors = [], []
    for name, array in response.outputs.items():
        asked = request.outputs.get(name, {})
        output = {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
        if _flag(asked, BINARY, all_binary):
            tensors.append(bytes_from_array(array))
            output["parameters"] = {SIZE: len(tensors[-1])}
        else:
            output |= _json_tensor(array, asked)
        outputs.append(output)
    text = json_bytes(fields | {"outputs": outputs})
    return b"".join((text, *tensors)), len(text) if tensors else None


def json_bytes(value: Any) -> bytes:
    """A JSON text; not-a-number and infinity are NaN and Infinity, as Triton and TensorFlow Serving write them."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair in what the client has sent
        return json.dumps(value).encode()


def parse_body(body: bytes) -> Any:
    """The value of a JSON text. Raises ServingError, INVALID_ARGUMENT."""
    try:
        return parse_json(body)
    except UserError as error:
        raise invalid(str(error)) from None


def expect(value: Any, kind: type, name: str) -> Any:
    """Check the type of a JSON value, and return it. Raises ServingError, INVALID_ARGUMENT."""
    if not isinstance(value, kind):
        noun = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}[kind]
        raise invalid(f"Expected {noun} for {name}. Received: {shorten(value)}.")
    return value


def _json_tensor(array, parameters: Mapping[str, Any]):
    data, is_base64 = json_from_array(array, parameters.get(CONTENT_TYPE) == BASE64)
    return {"parameters": {CONTENT_TYPE: BASE64}, "data": data} if is_base64 else {"data": data}


def _read_input(name, item, tail) -> tuple[np.ndarray, memoryview]:
    """`(array, bytes of the inputs after it)` of an input."""
    datatype, shape, parameters = item.get("datatype"), item.get("shape"), _parameters(item)
    check_datatype(name, datatype, shape)
    if SIZE not in parameters:
        is_base64 = datatype == BYTES and parameters.get(CONTENT_TYPE) == BASE64
        return array_from_json(item.get("data"), datatype, shape, is_base64), tail
    size = parameters[SIZE]
    if type(size) is not int or not 0 <= size <= len(tail):
        message = f"Expected {SIZE} of input {shorten(name)} from 0 to {len(tail)}, the bytes that follow."
        raise invalid(f"{message} Received: {shorten(size)}.")
    return array_from_bytes(tail[:size], datatype, shape), tail[size:]


def _name(item, noun, names):
    name = expect(expect(item, dict, f"each of {noun}").get("name"), str, f"the name of each of {noun}")
    if name in names:
        raise invalid(f"Expected each of {noun} once. Received: {shorten(name)} twice.")
    return name


def _parameters(item):
    return expect(item.get("parameters") or {}, dict, "parameters")


def _flag(parameters, name, default):
    return expect(parameters.get(name, default), bool, name)
