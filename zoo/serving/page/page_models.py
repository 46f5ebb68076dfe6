"""Models as the page needs them: versions, signatures, objective, and an example of the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.openai.model_access import generates
from zoo.serving.page.explainer import explainable
from zoo.serving.service import Service
from zoo.serving.serving_error import ServingError
from zoo.serving.versions.exported_settings import TOKENIZER, read_settings
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel
from zoo.serving.versions.signature_defs import Signature, TensorSpec
from zoo.serving.versions.warm_up import FILE, recorded_requests


def describe_models(service: Service) -> list[dict[str, Any]]:
    """`[{"name", "versions"}]` of the models that can be asked now, in JSON types; the latest version first.

    A version is `{"version", "objective", "signatures", "example", "streams", "explainable"}`: the objective "" where
    the SavedModel is not one of the zoo, the example `{input: text}`, the calls of OpenAI's API that stream its
    answers, and whether its answers can be explained.
    """
    models = {name: versions for name, versions in sorted(service.models.items()) if versions}
    return [
        {"name": name, "versions": [_version(versions[number]) for number in sorted(versions, reverse=True)]}
        for name, versions in models.items()
    ]


def _version(model: LoadedModel) -> dict[str, Any]:
    return {
        "version": model.version,
        "objective": model.objective.get("name", ""),
        "signatures": [_signature(spec, model.signature_protos[name]) for name, spec in model.signatures.items()],
        "example": _example(model),
        "streams": _streams(model),
        "explainable": explainable(model),
    }


def _signature(signature: Signature, proto: Any) -> dict[str, Any]:
    inputs = [_tensor(name, spec) for name, spec in signature.inputs.items()]
    for tensor in inputs:
        tensor["default"] = _default(tensor["name"], proto.defaults)
    outputs = [_tensor(name, spec) for name, spec in signature.outputs.items()]
    return {"name": signature.name, "method": signature.method, "inputs": inputs, "outputs": outputs}


def _tensor(name: str, spec: TensorSpec) -> dict[str, Any]:
    return {"name": name, "dtype": spec.dtype, "shape": None if spec.shape is None else list(spec.shape)}


def _default(name: str, defaults: Mapping[str, Any]) -> float | bool | None:
    """The number that an input is without a value; None where it has none, or a string or an array."""
    import tensorflow as tf

    value = tf.make_ndarray(defaults[name]) if name in defaults else np.zeros(2)
    return value.item() if value.ndim == 0 and value.dtype.kind in "biuf" and np.isfinite(value) else None


def _streams(model: LoadedModel) -> list[str]:
    """The calls of OpenAI's API that stream an answer of a model, the most suitable first; [] where it writes none."""
    if not generates(model):
        return []
    name, tokenizer = model.objective["name"], read_settings(model.folder, TOKENIZER)
    has_template = name == "follow_instructions" or (name == "next_token" and "chat_template" in tokenizer)
    return ["chat", "completions"] if has_template else ["completions"]


def _example(model: LoadedModel) -> dict[str, str]:
    """The texts of the first recorded warm-up request of `serving_default`; {} where there is none."""
    path = model.folder / FILE
    try:
        requests = recorded_requests(path) if path.is_file() else iter(())
        inputs = next((inputs for name, inputs in requests if name in ("", DEFAULT_SIGNATURE)), {})
    except ServingError:  # a file that is damaged since the model was loaded
        return {}
    rows = {name: array.flat[0] for name, array in inputs.items() if array.dtype == object and array.size}
    return {name: value.decode("utf-8", "replace") for name, value in rows.items()}
