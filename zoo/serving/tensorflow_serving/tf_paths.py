"""The paths of TensorFlow Serving's REST API: what they name, and how they are matched."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from zoo.serving.serving_error import invalid

VERSION = r"(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
FLAGS = re.ASCII | re.IGNORECASE
PREDICTION = re.compile(rf"/v1/models/([^/:]+){VERSION}:(classify|regress|predict)", FLAGS)
STATUS = re.compile(rf"/v1/models(?:/([^/:]+))?{VERSION}(?:/(metadata))?", FLAGS)
ACTIONS = ("classify", "regress", "predict")
LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Target:
    """What a path names.

    Attributes:
        model: its name.
        version, label: None and "" for the latest version.
        action: "predict", "classify", "regress", "metadata", or another word where it is none of them.
    """

    model: str
    version: int | None
    label: str
    action: str


def match_path(method: str, path: str) -> Target:
    """What a path of a GET or POST names. Raises ServingError where there is no such path, as TensorFlow Serving.

    The expressions ignore case but the names of actions do not, so that "/v1/MODELS/m:predict" is a path, and
    "/v1/models/m:PREDICT" none.
    """
    expression = {"POST": PREDICTION, "GET": STATUS}.get(method)
    match = expression.fullmatch(path) if expression else None
    target = parse_target(*match.groups()) if match else None
    if target is None or (method == "POST" and target.action not in ACTIONS):
        raise invalid(f"Malformed request: {method} {path}")
    return target


def path_as_sent(scope: Mapping[str, Any]) -> str:
    """The path of a request with its query, not decoded, and without the root path of a proxy."""
    path = (scope.get("raw_path") or scope["path"].encode()).removeprefix(scope.get("root_path", "").encode())
    query = scope.get("query_string", b"")
    return (path + (b"?" + query if query else b"")).decode("utf-8", "surrogateescape")


def parse_target(model: str | None, version: str | None, label: str | None, action: str | None) -> Target:
    """What the groups of a matched path name. Raises ServingError for a version beyond 64 bits."""
    number = (version or "").lstrip("0") or "0"
    if len(number) > len(str(LARGEST_VERSION)) or int(number) > LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return Target(_decode(model), int(number) if version else None, _decode(label), action or "")


def _decode(text):
    return unquote_to_bytes((text or "").encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
