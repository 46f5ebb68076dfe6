"""An inference of the Open Inference Protocol, for REST and gRPC alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from zoo.runtime.errors import did_you_mean, shorten
from zoo.serving.open_inference.datatypes import DATATYPES, DTYPES, datatype_of
from zoo.serving.service import Service
from zoo.serving.serving_error import invalid
from zoo.serving.versions.loaded_model import LoadedModel

MAX_RANK = 32  # NumPy allows 64
MAX_ELEMENTS = 2**59  # of a NumPy array, where a dimension of 0 counts as 1: it has the bytes of an array in 63 bits
SIGNATURE = "signature"  # the parameter that names another signature than serving_default


@dataclass(frozen=True)
class InferenceRequest:
    """A request of either transport.

    Attributes:
        model, version: names; "" is the latest version, a word the label of one.
        id: returned with the response.
        parameters: of the request, returned with the response.
        inputs: {name: array}.
        outputs: {name: parameters} of the outputs that the response has; empty for all.
    """

    model: str
    version: str = ""
    id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class InferenceResponse:
    """The outputs of a model by name, and the version that has answered."""

    request: InferenceRequest
    version: int
    outputs: Mapping[str, np.ndarray]


def lease(service: Service, model: str, version: str = "") -> AbstractContextManager[LoadedModel]:
    """The lease of a model: its latest version, the version of a number, or the version of a label."""
    if version.isascii() and version.isdecimal() and len(version) < 20:
        return service.lease(model, int(version))
    return service.lease(model, label=version)


async def infer(service: Service, request: InferenceRequest) -> InferenceResponse:
    """The outputs of a model's signature. Raises ServingError for inputs or outputs that it does not have."""
    name = request.parameters.get(SIGNATURE, "")
    if not isinstance(name, str):
        raise invalid(f"Expected the name of a signature in the parameter {SIGNATURE!r}. Received: {shorten(name)}.")
    with lease(service, request.model, request.version) as model:
        signature = model.signature(name)
        _check_names("input", request.inputs, signature.inputs)
        _check_names("output", request.outputs, signature.outputs)
        defaults = model.signature_protos[signature.name].defaults
        missing = [name for name in signature.inputs if name not in request.inputs and name not in defaults]
        if missing:
            raise invalid(f"Expected the inputs {', '.join(signature.inputs)}. Missing: {', '.join(missing)}.")
        for name, array in request.inputs.items():
            expected, received = DATATYPES.get(signature.inputs[name].dtype), datatype_of(array)
            if received != expected:
                raise invalid(f"Expected datatype {expected} for input {name!r}. Received: {received}.")
        arrays = await service.run(model, signature.name, request.inputs)
        names = request.outputs or signature.outputs
        return InferenceResponse(request, model.version, {name: arrays[name] for name in names})


def check_datatype(name: str, datatype: Any, shape: Any) -> None:
    """Check the datatype and the shape of an input of a request. Raises ServingError, INVALID_ARGUMENT."""
    if not isinstance(datatype, str) or datatype not in DTYPES:
        message = f"Expected the datatype of input {shorten(name)} to be one of {', '.join(DTYPES)}."
        raise invalid(f"{message} Received: {shorten(datatype)}.{did_you_mean(datatype, DTYPES)}")
    sizes = shape if isinstance(shape, list) else [None]
    if len(sizes) > MAX_RANK or any(type(size) is not int or not 0 <= size < 2**31 for size in sizes):
        message = f"Expected the shape of input {shorten(name)} as a list of at most {MAX_RANK} integers from 0."
        raise invalid(f"{message} Received: {shorten(shape)}.")
    if prod(size or 1 for size in sizes) > MAX_ELEMENTS:
        raise invalid(f"Expected a smaller shape of input {shorten(name)}. Received: {shorten(shape)}.")


def _check_names(noun, names, known):
    for name in names:
        if name not in known:
            message = f"Expected an {noun} of the signature: {', '.join(known)}."
            raise invalid(f"{message} Received: {shorten(name)}.{did_you_mean(name[:100], known)}")
