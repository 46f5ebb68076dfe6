"""Deployment of an exported model: the folder `serving` beside its version folders.

A server of versions reads the folders whose names are numbers, and ignores all others.
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from zoo.export.deployment.client_files import CLIENT_FILES
from zoo.export.deployment.container_files import CONTAINER_FILES
from zoo.export.deployment.example_requests import Request
from zoo.export.deployment.server_files import SERVER_FILES
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text

DEPLOYMENT = "serving"  # the folder's name
MAX_NAME = 52  # of an InferenceService: 63 characters of a DNS label, less "-predictor" and a dot
TEMPLATES = SERVER_FILES | CONTAINER_FILES | CLIENT_FILES
GIB = 2**30


def write_deployment(version: Path, requests: Sequence[Request], weight_bytes: int) -> Path:
    """Write the deployment files of a model into the folder `serving` beside a version folder; returns that folder.

    A file that exists is left as it is, because its owner may have changed it; its name is printed.

    Args:
        version: the version folder, such as MODEL/1.
        requests: examples of the clients: {input: text}.
        weight_bytes: size of the weights, for the memory that a container requests.
    """
    folder, values = version.absolute().parent / DEPLOYMENT, _values(version, requests, weight_bytes)
    folder.mkdir(exist_ok=True)
    texts = {name: Template(template).safe_substitute(values) for name, template in TEMPLATES.items()}
    for name, text in texts.items():
        if not (folder / name).exists():
            write_text(folder / name, text)
    changed = [name for name, text in texts.items() if (folder / name).read_text(encoding="utf-8") != text]
    if changed:
        console.print(f"Left as they were in {folder}: {', '.join(changed)}. Remove a file to have it written anew.")
    return folder


def check_version(folder: Path) -> None:
    """Raise UserError for a folder that no server of versions would find, because its name is no number."""
    if not re.fullmatch("[0-9]{1,18}", folder.name):
        raise UserError(
            f"Expected a version folder, whose name is a number, for deployment files. Received: {folder}. "
            f"For example: {folder / '1'}"
        )


def model_name(version: Path) -> str:
    """The name of a model on a server: that of the folder of its versions, in lower-case letters, digits and hyphens.

    So it is the same in URLs, YAML, Docker and Kubernetes (a DNS label, RFC 1123, that begins with a letter).
    """
    name = re.sub("[^a-z0-9]+", "-", version.absolute().parent.name.lower()).strip("-")
    name = name if name[:1].isalpha() else f"model-{name}"
    return name[:MAX_NAME].strip("-")


def _values(version, requests, weight_bytes):
    """The values of the placeholders of the templates."""
    name, example = model_name(version), requests[(len(requests) - 1) // 2]
    status = f"GET /v1/models/{name} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
    health = f"exec 3<>/dev/tcp/127.0.0.1/8501 && printf '{status}' >&3 && grep -q AVAILABLE <&3"
    fetch = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/v1/models/{name}', timeout=4)"
    return {
        "name": name,
        "health": json.dumps(["CMD", "bash", "-c", health]),
        "docker_health": json.dumps(["bash", "-c", health]),
        "zoo_health": json.dumps(["python", "-c", fetch]),
        "memory": f"{1 + math.ceil(3 * weight_bytes / GIB)}Gi",  # two versions while one replaces the other
        "inputs": repr(list(example)),
        "example": repr(example),
        "usage": " ".join(input_name.upper() for input_name in example) + " ...",
        "body": json.dumps({"instances": list(requests)}, ensure_ascii=False),
    }
