"""Metadata of the server and of models in the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.runtime.version import VERSION
from zoo.serving.open_inference.datatypes import DATATYPES
from zoo.serving.open_inference.inference import lease
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.registry import State
from zoo.serving.versions.signature_defs import TensorSpec

PLATFORM = "tensorflow_savedmodel"
STATES = {  # {state: as Triton names it}
    State.START: "LOADING",
    State.LOADING: "LOADING",
    State.AVAILABLE: "READY",
    State.UNLOADING: "UNLOADING",
    State.END: "UNAVAILABLE",
}
SERVER = {"name": "zoo", "version": VERSION, "extensions": ["binary_tensor_data", "model_repository(index)"]}


def model_metadata(service: Service, model: LoadedModel, signature: str = "") -> dict[str, Any]:
    """The metadata of a model: its versions, and the inputs and outputs of a signature. Raises ServingError."""
    spec = model.signature(signature)
    return {
        "name": model.name,
        "versions": [str(version) for version in sorted({*service.models.get(model.name, {}), model.version})],
        "platform": PLATFORM,
        "inputs": _tensors(spec.inputs),
        "outputs": _tensors(spec.outputs),
    }


def is_ready(service: Service, name: str, version: str = "") -> bool:
    """Whether a model, or a version of it, can be used. Raises ServingError where the server has none of that name."""
    try:
        with lease(service, name, version):
            return True
    except ServingError as error:
        versions = {str(number) for number in service.statuses(name)}
        if error.code is Code.NOT_FOUND and (version in versions if version else name in service.registry.names):
            return False
        raise


def repository_index(service: Service, ready_only: bool) -> list[dict[str, str]]:
    """The state of each version of each model, or only of those that can be used."""
    return [
        {"name": name, "version": str(version), "state": STATES[status.state], "reason": status.message}
        for name in sorted(service.registry.names)
        for version, status in sorted(service.statuses(name).items())
        if not ready_only or status.state is State.AVAILABLE
    ]


def _tensors(specs: Mapping[str, TensorSpec]):
    """Name, datatype and shape of tensors; a dimension of any size is -1."""
    return [
        {
            "name": name,
            "datatype": DATATYPES.get(spec.dtype, spec.dtype),
            "shape": [-1] if spec.shape is None else [-1 if size is None else size for size in spec.shape],
        }
        for name, spec in specs.items()
    ]
