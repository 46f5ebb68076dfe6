"""JSON from files of others: a value, or one clear line for text that is damaged, nested too deeply or not UTF-8."""

import json
from pathlib import Path
from typing import Any

from zoo.runtime.errors import UserError, single_line


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises UserError, without the name of the file."""
    try:
        return json.loads(text)
    except RecursionError:
        raise UserError("Expected JSON. Received: values nested too deeply.") from None
    except ValueError as error:  # not JSON, not UTF-8, or an integer of more digits than Python reads
        raise UserError(f"Expected JSON. Received: {type(error).__name__} ({single_line(str(error))[:200]}).") from None


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises UserError, naming the file, for any other content."""
    try:
        value = parse_json(path.read_bytes())
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} cannot be read: Expected a JSON object. Received: {value!r:.60}.")
    return value
