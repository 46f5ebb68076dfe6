"""The request of the page for an explanation: its body, checked."""

from __future__ import annotations

from zoo.runtime.errors import UserError, shorten
from zoo.runtime.json_text import parse_json
from zoo.serving.serving_error import invalid
from zoo.serving.versions.model_source import VERSION

FORM = '{"model": name, "version": "" or digits, "inputs": {name: text}}'


def explanation_request(body: bytes) -> tuple[str, int | None, dict[str, str]]:
    """`(model, version, inputs)` of a body, JSON of the form `FORM`; the version is None for "", the latest.

    Raises ServingError (INVALID_ARGUMENT) for any other body.
    """
    try:
        fields = parse_json(body)
    except UserError as error:
        raise invalid(str(error)) from error
    if not isinstance(fields, dict) or not _has_form(**{"model": "", "version": "", "inputs": None} | fields):
        raise invalid(f"Expected {FORM}. Received: {shorten(fields)}.")
    version = fields.get("version", "")
    return fields["model"], int(version) if version else None, fields["inputs"]


def _has_form(model, version, inputs, **unknown):
    texts = inputs.values() if isinstance(inputs, dict) else [None]
    is_version = isinstance(version, str) and (version == "" or VERSION.fullmatch(version))
    return isinstance(model, str) and is_version and all(map(_is_text, texts)) and not unknown


def _is_text(value):
    """Whether a value is a string that UTF-8 can encode: one without a lone half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
