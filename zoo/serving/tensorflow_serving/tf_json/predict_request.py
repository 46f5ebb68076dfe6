"""The body of TensorFlow Serving's `:predict`: rows (`instances`) or columns (`inputs`), to arrays by input name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.serving_error import ServingError, invalid
from zoo.serving.tensorflow_serving.tf_json.document import format_error, members
from zoo.serving.tensorflow_serving.tf_json.quote import quote
from zoo.serving.tensorflow_serving.tf_json.tensor_values import (
    check_rank,
    dense_shape,
    fill,
    is_base64,
    regular_array,
    to_array,
)
from zoo.serving.versions.signature_defs import TensorSpec

ROW, COLUMN = "row", "column"
PLAIN_ROWS = (
    "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
)
PLAIN_COLUMNS = (
    "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
)
Arrays = dict[str, np.ndarray[Any, Any]]


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names; "" for the default. Raises ServingError unless it is a string."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def predict_inputs(document: Mapping[str, Any], specs: Mapping[str, TensorSpec], name: str = "") -> tuple[str, Arrays]:
    """`(ROW or COLUMN, {input: array})` of a request to a signature with the inputs `specs`. Raises ServingError."""
    if not specs:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if "instances" not in document and "inputs" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    if "instances" not in document:
        return COLUMN, _columns(document["inputs"], specs)
    if "inputs" in document:
        problem = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        raise format_error(document, problem)
    rows = document["instances"]
    if not isinstance(rows, list):
        raise format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise format_error(document, "No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(specs) > 1:
        raise invalid(PLAIN_ROWS)
    return ROW, _regular_rows(rows, specs) or _Rows(specs).arrays(rows)


def _columns(value, specs):
    if isinstance(value, dict) and not is_base64(value):
        arrays = {}
        for name, spec in specs.items():
            if name not in value:
                raise invalid(f"Missing named input: {name} in 'inputs' object.")
            arrays[name] = _column(value[name], name, spec)
        return arrays
    if len(specs) > 1:
        raise invalid(PLAIN_COLUMNS)
    return {name: _column(value, name, spec) for name, spec in specs.items()}


def _column(value, name, spec):
    array = regular_array(value, spec.dtype)
    if array is not None:
        return array
    shape, values = dense_shape(value), []
    check_rank(shape, name)
    fill(value, spec.dtype, shape, values)
    return to_array(values, spec.dtype, shape)


def _regular_rows(rows: list[Any], specs: Mapping[str, TensorSpec]) -> Arrays | None:
    """The arrays of rows of the same form, each input at once; None for rows that need a look at each value."""
    if set(map(type, rows)) == {dict}:
        if any(row.keys() != specs.keys() for row in rows):
            return None
        columns = {name: [row[name] for row in rows] for name in specs}
    else:
        columns = dict.fromkeys(specs, rows)
    arrays: Arrays = {}
    for name, column in columns.items():
        if (array := regular_array(column, specs[name].dtype)) is None:
            return None
        arrays[name] = array
    return arrays


class _Rows:
    """The values of each input, row after row.

    Attributes:
        sizes, shapes: {input: number and shape of the values in its first row}.
        values: {input: all values}.
    """

    def __init__(self, specs):
        self.specs = specs
        self.sizes, self.shapes, self.values = {}, {}, {}

    def arrays(self, rows):
        objects = _is_object(rows[0])
        for index, row in enumerate(rows):
            if _is_object(row) != objects:
                expected, received = ("object", "list") if objects else ("value/list", "object")
                raise invalid(f"Expecting {expected} but got {received} at item {index} of input list")
            if objects:
                self.add_object(row, index)
            else:
                self.add(row, next(iter(self.specs)), f"{index}")
        if self.values.keys() != self.specs.keys():
            raise _missing_inputs(self.values, self.specs)
        return {
            name: to_array(self.values[name], spec.dtype, (len(rows), *self.shapes[name]))
            for name, spec in self.specs.items()
        }

    def add_object(self, row, index):
        names = set()
        for member, value in members(row):
            name = member.partition("\0")[0]
            names.add(name)
            self.add(value, name, f"{index} key: {name}")
        if names != set(self.specs):
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: {quote(row)} "
                f"keys must be equal to: {','.join(sorted(self.specs))}"
            )

    def add(self, value, name, element):
        try:
            self.add_value(value, name)
        except ServingError as error:
            problem = f"Failed to process element: {element} of 'instances' list. Error: {error.code.name}: "
            raise invalid(problem + error.message) from error

    def add_value(self, value, name):
        if name not in self.specs:
            raise invalid(f"JSON object: does not have named input: {name}")
        shape, values = dense_shape(value), self.values.setdefault(name, [])
        check_rank(shape, name)
        before = len(values)
        fill(value, self.specs[name].dtype, shape, values)
        size = len(values) - before
        first, first_shape = self.sizes.setdefault(name, size), self.shapes.setdefault(name, shape)
        if first != size:
            raise invalid(f"Expecting tensor size: {first} but got: {size}")
        if first_shape != shape:
            raise invalid(f"Expecting shape {_shape_text(first_shape)} but got: {_shape_text(shape)}")


def _is_object(value):
    return isinstance(value, dict) and not is_base64(value)


def _shape_text(shape):
    return f"[{','.join(map(str, shape))}]"


def _missing_inputs(values, specs):
    received, expected = sorted(values), sorted(specs)
    missing = [name for name in expected if name not in values]
    return invalid(
        f"input size does not match signature: {len(received)}!={len(expected)} len({{{','.join(received)}}}) != "
        f"len({{{','.join(expected)}}}). Sent extra: {{}}. Missing but required: {{{','.join(missing)}}}."
    )
