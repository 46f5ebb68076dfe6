"""The status and the metadata of a model, as the JSON of TensorFlow Serving's protocol buffers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from zoo.serving.serving_error import Code, ServingError

if TYPE_CHECKING:
    from zoo.serving.service import Service
    from zoo.serving.versions.loaded_model import LoadedModel


def status_body(service: Service, name: str, version: int | None = None) -> bytes:
    """The state of one version of a model, or of all, the newest first. Raises ServingError NOT_FOUND."""
    versions = service.statuses(name)
    if version is None and not versions:
        raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
    if version is not None and version not in versions:
        raise ServingError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
    states = [
        {"version": str(number), "state": status.state.name, "status": _error(status)}
        for number, status in versions.items()
        if version in (None, number)
    ]
    return _dump({"model_version_status": states}).encode()


def _error(status):
    return {"error_code": status.code.name if status.code else "OK", "error_message": status.message}


def metadata_body(model: LoadedModel) -> bytes:
    """The name, version and signatures of a model, by proto field names, with int64 as strings."""
    from google.protobuf.json_format import MessageToDict

    spec = {"name": model.name, "signature_name": "", "version": str(model.version)}
    signatures = {
        name: MessageToDict(proto, always_print_fields_with_no_presence=True, preserving_proto_field_name=True)
        for name, proto in sorted(model.signature_protos.items())
    }
    text = _dump({"signature_def": signatures})
    return f'{{\n"model_spec":{_dump(spec)},\n"metadata": {{"signature_def": {text}}}\n}}\n'.encode()


def _dump(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
