"""PredictRequest: the inputs and outputs of a signature, checked in TensorFlow Serving's order with its sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.serving.grpc.tensor_protos import read_tensor
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.signature_defs import Signature


def read_inputs(
    inputs: Mapping[str, Any], signature: Signature, defaults: Mapping[str, Any], max_bytes: int
) -> dict[str, np.ndarray]:
    """The arrays of a request's TensorProtos, by input. One that has a default in the signature may be missing.

    Raises ServingError for inputs that are missing, unknown, damaged or of another dtype.
    """
    if len(inputs) > len(signature.inputs) or (len(inputs) < len(signature.inputs) and not defaults):
        raise ServingError(Code.INVALID_ARGUMENT, _size_message(inputs, signature.inputs))
    arrays = {}
    for number, (name, spec) in enumerate(signature.inputs.items()):
        if name in inputs:
            arrays[name] = read_tensor(inputs[name], name, spec.dtype, max_bytes, number)
        elif name not in defaults:
            raise ServingError(Code.INVALID_ARGUMENT, _missing_message(name, spec.name, inputs, defaults))
    used = [name for name in inputs if name in signature.inputs]
    if len(used) < len(inputs):
        message = f"Inputs contains invalid name. Used request inputs: {_join(used)}, request input: {_join(inputs)}"
        raise ServingError(Code.INVALID_ARGUMENT, message)
    return arrays


def check_outputs(names: Iterable[str], signature: Signature) -> list[str]:
    """The outputs that an `output_filter` names, or all. Raises ServingError for one that is unknown or named twice."""
    outputs = []
    for name in names:
        if name not in signature.outputs:
            message = f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
            raise ServingError(Code.INVALID_ARGUMENT, f"{message}{{{_join(signature.outputs)}}}.")
        if name in outputs:
            raise ServingError(Code.INVALID_ARGUMENT, f"duplicate output tensor alias: {name}")
        outputs.append(name)
    return outputs or list(signature.outputs)


def _size_message(inputs, expected):
    return (
        f"input size does not match signature: {len(inputs)}!={len(expected)} "
        f"len({{{_join(inputs)}}}) != len({{{_join(expected)}}}). "
        f"Sent extra: {{{_join(set(inputs) - set(expected))}}}. "
        f"Missing but required: {{{_join(set(expected) - set(inputs))}}}."
    )


def _missing_message(name, feed, inputs, defaults):
    return (
        f"Signature input alias: {name}(feed name: {feed}) not found in request and no default value provided. "
        f"Inputs expected to be in the request {{{_join(inputs)}}}, or default input alias set: {_join(defaults)}"
    )


def _join(names):
    return ",".join(sorted(names))
