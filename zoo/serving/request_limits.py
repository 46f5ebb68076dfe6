"""Limits on the inputs of a request: rows, and characters of each text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.server_settings import ServerSettings
from zoo.serving.serving_error import Code, ServingError


def rows_of(inputs: Mapping[str, Any]) -> int:
    """The rows of inputs: the longest first dimension; 1 for scalars."""
    return max((shape[0] for value in inputs.values() if (shape := np.shape(value))), default=1)


def check_inputs(inputs: Mapping[str, Any], rows: int, settings: ServerSettings) -> None:
    """Raise ServingError (INVALID_ARGUMENT), which names the limit, where inputs are beyond one."""
    if rows > settings.max_rows:
        raise ServingError(
            Code.INVALID_ARGUMENT, f"Expected at most {settings.max_rows} rows in a request. Received: {rows}."
        )
    for name, value in inputs.items():
        check_texts(name, np.asarray(value), settings)


def check_texts(name: str, texts: np.ndarray, settings: ServerSettings) -> None:
    """Raise ServingError (INVALID_ARGUMENT) where an array of strings has a text that is longer than the limit."""
    if texts.dtype.kind not in "OSU":
        return
    limit = settings.max_text_characters
    for text in texts.flat:
        if len(text) > limit and (length := _characters(text)) > limit:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Expected texts of at most {limit} characters in {name}. Received: {length} characters.",
            )


def _characters(text):
    """The length of a text; of bytes, that of the text which they encode."""
    return len(text.decode("utf-8", "replace")) if isinstance(text, bytes) else len(text)
