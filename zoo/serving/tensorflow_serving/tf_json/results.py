"""The answers of TensorFlow Serving's `:classify` and `:regress`, and the body of an error."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.serving.serving_error import invalid
from zoo.serving.tensorflow_serving.tf_json.decimals import format_decimals
from zoo.serving.tensorflow_serving.tf_json.quote import write_string


def classify_answer(labels: Sequence[Sequence[bytes]], scores: np.ndarray[Any, Any]) -> bytes:
    """The body of an answer: for each example the labels with their scores.

    Args:
        labels: of each example, its classes; "" where the model names none.
        scores: float32, shape (examples, classes); zeros where the model scores none.

    Raises ServingError where there is no example.
    """
    if not len(labels):
        raise invalid("Cannot convert empty ClassificationResults to JSON")
    numbers = iter(format_decimals(np.asarray(scores, np.float32).ravel()))
    rows = []
    for classes in labels:
        pairs = [f"[{write_string(label.decode('utf-8', 'replace'))}, {next(numbers)}]" for label in classes]
        rows.append(f"[{', '.join(pairs)}]")
    return f'{{\n    "results": [{", ".join(rows)}\n    ]\n}}'.encode()


def regress_answer(values: np.ndarray[Any, Any]) -> bytes:
    """The body of an answer: one value of each example. Raises ServingError where there is no example."""
    if not len(values):
        raise invalid("Cannot convert empty RegressionResults to JSON")
    return f'{{\n    "results": [{", ".join(format_decimals(np.asarray(values, np.float32)))}]\n}}'.encode()


def error_body(message: str) -> bytes:
    """The body of an error. Bytes of a request that are not UTF-8 become U+FFFD."""
    text = message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f'{{\n    "error": {write_string(text)}\n}}'.encode()
