"""ModelInferRequest and ModelInferResponse: the tensors of an inference in messages, as typed contents or raw bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.runtime.errors import shorten
from zoo.serving.grpc.open_inference_messages import messages
from zoo.serving.open_inference.binary_tensors import array_from_bytes, bytes_from_array
from zoo.serving.open_inference.datatypes import BYTES, datatype_of
from zoo.serving.open_inference.inference import InferenceRequest, InferenceResponse, check_datatype
from zoo.serving.open_inference.json_tensors import array_from_elements
from zoo.serving.serving_error import invalid

CONTENTS = {  # {datatype: field of InferTensorContents}; others, as FP16, travel as raw bytes
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}


def read_infer_request(message: Any) -> InferenceRequest:
    """The request of a ModelInferRequest. Raises ServingError, INVALID_ARGUMENT, for tensors that are damaged."""
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise invalid(f"Expected raw_input_contents for all {len(message.inputs)} inputs. Received: {len(raw)}.")
    inputs = {}
    for number, tensor in enumerate(message.inputs):
        if tensor.name in inputs:
            raise invalid(f"Expected each input once. Received: {shorten(tensor.name)} twice.")
        inputs[tensor.name] = _read_tensor(tensor, raw[number] if raw else None)
    outputs = {output.name: read_parameters(output.parameters) for output in message.outputs}
    parameters = read_parameters(message.parameters)
    return InferenceRequest(message.model_name, message.model_version, message.id, parameters, inputs, outputs)


def write_infer_response(response: InferenceResponse, raw: bool) -> Any:
    """The ModelInferResponse of a response, with raw bytes, or with typed contents where all datatypes have such."""
    request = response.request
    message = messages().ModelInferResponse(
        model_name=request.model, model_version=str(response.version), id=request.id
    )
    write_parameters(request.parameters, message.parameters)
    datatypes = {name: datatype_of(array) for name, array in response.outputs.items()}
    raw = raw or any(datatype not in CONTENTS for datatype in datatypes.values())
    for name, array in response.outputs.items():
        tensor = message.outputs.add(name=name, datatype=datatypes[name], shape=array.shape)
        if raw:
            message.raw_output_contents.append(bytes_from_array(array))
        else:
            getattr(tensor.contents, CONTENTS[datatypes[name]]).extend(array.ravel().tolist())
    return message


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values of InferParameter messages by name; one without a value is left out."""
    choices = {name: value.WhichOneof("parameter_choice") for name, value in parameters.items()}
    return {name: getattr(parameters[name], choice) for name, choice in choices.items() if choice}


def write_parameters(parameters: Mapping[str, Any], target: Any) -> None:
    """Write values that `read_parameters` has read to a map of InferParameter."""
    for name, value in parameters.items():
        kind = {bool: "bool_param", str: "string_param", float: "double_param"}.get(type(value), "int64_param")
        setattr(target[name], "uint64_param" if kind == "int64_param" and value >= 2**63 else kind, value)


def _read_tensor(tensor, raw) -> np.ndarray:
    shape = list(tensor.shape)
    check_datatype(tensor.name, tensor.datatype, shape)
    if raw is not None:
        if tensor.HasField("contents"):
            raise invalid("Expected either raw_input_contents or contents. Received: both.")
        return array_from_bytes(raw, tensor.datatype, shape)
    if tensor.datatype not in CONTENTS:
        raise invalid(f"Expected raw_input_contents for datatype {tensor.datatype}.")
    elements = list(getattr(tensor.contents, CONTENTS[tensor.datatype]))
    return array_from_elements(elements, tensor.datatype, shape)
