"""Operations of an OpenAPI description: their answers and errors."""

from __future__ import annotations

from typing import Any

ERRORS = {  # {status: when a model answers it}
    "400": "The request does not fit the signature, or is beyond a limit on rows or characters.",
    "401": "The bearer token is missing or wrong.",
    "404": "The model or version is not loaded.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The Content-Encoding is unknown.",
    "429": "The queue is full; Retry-After says when to try again.",
    "500": "A bug in the server; its log has the traceback under the request id.",
    "503": "TensorFlow is not available.",
    "504": "The model did not answer in time.",
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


def operation(summary: str, answers: dict[str, Any], *errors: str, open_to_all: bool = False) -> dict[str, Any]:
    """An operation with its answers by status, and those of errors.

    Args:
        errors: statuses of `ERRORS`.
        open_to_all: whether it needs no token.
    """
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failures = {status: {"description": ERRORS[status], "content": schema} for status in errors}
    return {"summary": summary, "responses": answers | failures} | ({"security": []} if open_to_all else {})


def answer(description: str, schema: dict[str, Any], status: str = "200") -> dict[str, Any]:
    """A JSON answer of a status."""
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}
