"""Metadata of the server and of models in the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.runtime.version import VERSION
from zoo.serving.loaded_model import LoadedModel
from zoo.serving.open_inference.datatypes import DATATYPES
from zoo.serving.service import Service
from zoo.serving.signatures import TensorSpec

PLATFORM = "tensorflow_savedmodel"
SERVER = {"name": "zoo", "version": VERSION, "extensions": ["binary_tensor_data", "model_repository(index)"]}


def model_metadata(service: Service, model: LoadedModel, signature: str = "") -> dict[str, Any]:
    """The metadata of a model: its versions, and the inputs and outputs of a signature. Raises ServingError."""
    spec = model.signature(signature)
    return {
        "name": model.name,
        "versions": [str(version) for version in sorted(service.models[model.name])],
        "platform": PLATFORM,
        "inputs": _tensors(spec.inputs),
        "outputs": _tensors(spec.outputs),
    }


def repository_index(service: Service, ready_only: bool) -> list[dict[str, str]]:
    """The state of each version of each model, or only of those that can be used."""
    return [
        {"name": name, "version": str(version), "state": "READY", "reason": ""}
        for name, versions in sorted(service.models.items())
        for version in sorted(versions)
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
