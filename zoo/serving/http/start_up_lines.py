"""Lines that a server prints when it is ready: models and versions, addresses, and a request that works."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from urllib.parse import quote

from zoo.serving.http.server_address import ServerAddress
from zoo.serving.openai.model_access import embeds, generates
from zoo.serving.server_settings import TOKEN_VARIABLE, ServerSettings
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE, LoadedModel
from zoo.serving.versions.signature_defs import Signature

EXAMPLES = {"string": "A text.", "bool": True}  # {dtype: value}; numbers are 1
OPENAI = "OpenAI-compatible API"  # of models that generate or embed text
ADDRESSES = {  # {API: paths}
    "Page": "/",
    "REST of TensorFlow Serving": "/v1/models/",
    "Open Inference Protocol": "/v2",
    OPENAI: "/v1",
    "Operation": "/readyz /healthz /metrics /openapi.json",
}


def start_up_lines(service: Service, url: str) -> Iterator[str]:
    """Yield the lines of a service that is ready."""
    for name, versions in service.models.items():
        signatures = ", ".join(sorted({key for model in versions.values() for key in model.signatures}))
        numbers = ", ".join(map(str, sorted(versions)))
        yield f"Serving {name}, version {numbers}: {signatures}."
    url += service.settings.root_path
    latest = service.latest
    apis = [api for api in ADDRESSES if api != OPENAI or any(generates(model) or embeds(model) for model in latest)]
    for api in apis:
        yield f"{api}: " + " ".join(f"{url}{path}" for path in ADDRESSES[api].split())
    for model in latest:
        if command := _curl(model, url, bool(service.settings.token)):
            yield f"Try: {command}"
            break


def exposure_lines(address: ServerAddress, settings: ServerSettings) -> Iterator[str]:
    """Yield lines that say who can reach a server, where that is more than this machine."""
    if address.is_loopback:
        return
    everywhere = address.host in ("0.0.0.0", "::", "")
    network = "every network of this machine" if everywhere else f"the network of {address.host}"
    ports = f"port {address.port}" if address.grpc_port is None else f"ports {address.port} and {address.grpc_port}"
    yield f"Reachable from {network}, {ports}. A firewall can limit that."
    if not settings.token:
        yield f"Warning: without a token, everyone there can use the models: --token, or {TOKEN_VARIABLE}."
    if not address.certificate:
        yield "Warning: without --certificate and --key, texts and the token travel unencrypted."


def _curl(model: LoadedModel, url, token):
    """A curl command that works; "" for a model without signatures that take texts."""
    names = sorted(model.signatures, key=lambda name: (name != DEFAULT_SIGNATURE, name))
    signature = next((model.signatures[name] for name in names if _takes_texts(model.signatures[name])), None)
    if signature is None:
        return ""
    defaults = model.signature_protos[signature.name].defaults
    inputs = {name: _example(spec) for name, spec in signature.inputs.items() if name not in defaults}
    name = {} if signature.name == DEFAULT_SIGNATURE else {"signature_name": signature.name}
    texts = [EXAMPLES["string"]]
    body = json.dumps(name | ({"instances": texts} if list(inputs.values()) == [texts] else {"inputs": inputs}))
    header = f'-H "Authorization: Bearer ${TOKEN_VARIABLE}" ' if token else ""
    endpoint = f"{url}/v1/models/{quote(model.name)}:predict"
    return f"curl {header}-d {shlex.quote(body)} {shlex.quote(endpoint)}"


def _takes_texts(signature: Signature):
    return any(spec.dtype == "string" for spec in signature.inputs.values())


def _example(spec):
    value = EXAMPLES.get(spec.dtype, 1)
    for size in reversed(spec.shape or ()):
        value = [value] * (size or 1)
    return value
