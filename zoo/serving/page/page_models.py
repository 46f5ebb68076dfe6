"""Models as the page needs them: versions, signatures, objective, and an example of the inputs."""

from __future__ import annotations

import json
from typing import Any

from zoo.serving.loaded_model import LoadedModel
from zoo.serving.service import Service
from zoo.serving.signatures import Signature, TensorSpec

PRESET = "assets.extra/zoo/preset.json"  # in a SavedModel that `zoo export` wrote
STREAMS = {  # objective: the calls of OpenAI's API that stream an answer, the most suitable first
    "next_token": ("completions",),
    "translate": ("completions",),
    "follow_instructions": ("chat", "completions"),
}


def describe_models(service: Service) -> list[dict[str, Any]]:
    """`[{"name", "versions"}]` of the models that can be asked now, in JSON types; the latest version first.

    A version is `{"version", "objective", "signatures", "example", "streams"}`: the objective "" where the SavedModel
    is not one of the zoo, the example `{input: value}`, and the calls of OpenAI's API that stream its answers.
    """
    models = {name: versions for name, versions in sorted(service.models.items()) if versions}
    return [
        {"name": name, "versions": [_version(versions[number]) for number in sorted(versions, reverse=True)]}
        for name, versions in models.items()
    ]


def _version(model: LoadedModel) -> dict[str, Any]:
    objective = _objective(model)
    return {
        "version": model.version,
        "objective": objective,
        "signatures": [_signature(signature) for signature in model.signatures.values()],
        "example": {},
        "streams": STREAMS.get(objective, ()),
    }


def _signature(signature: Signature) -> dict[str, Any]:
    tensors = {"inputs": signature.inputs, "outputs": signature.outputs}
    specs = {key: [_tensor(name, spec) for name, spec in side.items()] for key, side in tensors.items()}
    return {"name": signature.name, "method": signature.method, **specs}


def _tensor(name: str, spec: TensorSpec) -> dict[str, Any]:
    return {"name": name, "dtype": spec.dtype, "shape": None if spec.shape is None else list(spec.shape)}


def _objective(model: LoadedModel) -> str:
    """The objective in the preset of an export; "" where there is none."""
    try:
        preset = json.loads((model.folder / PRESET).read_text(encoding="utf-8"))
        return str(preset["objective"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
