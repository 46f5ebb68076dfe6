"""The bodies of TensorFlow Serving's `:classify` and `:regress`: JSON objects to serialized tf.Examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.serving.serving_error import invalid
from zoo.serving.tensorflow_serving.tf_json.document import format_error, members
from zoo.serving.tensorflow_serving.tf_json.predict_request import signature_name
from zoo.serving.tensorflow_serving.tf_json.quote import type_name
from zoo.serving.tensorflow_serving.tf_json.tensor_values import RANGES, decode_base64, is_base64

if TYPE_CHECKING:
    from tensorflow.core.example.example_pb2 import Example

BYTES, FLOATS, INTEGERS = "bytes_list", "float_list", "int64_list"
KIND_NAMES = {BYTES: "bytes", FLOATS: "float", INTEGERS: "int64"}


def read_examples(document: Mapping[str, Any]) -> tuple[str, list[bytes]]:
    """`(signature name, serialized tf.Examples)` of a request; each Example holds the features of `context` too.

    Raises ServingError with TensorFlow Serving's sentence.
    """
    name = signature_name(document)
    context = _example(document["context"]).SerializeToString() if "context" in document else b""
    return name, [context + example.SerializeToString() for example in _examples(document)]


def _examples(document: Mapping[str, Any]) -> list[Example]:
    if "examples" not in document:
        raise format_error(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise format_error(document, "'examples' value is an empty array")
    return [_example(example) for example in examples]


def _example(value: Any) -> Example:
    from tensorflow.core.example.example_pb2 import Example

    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    example = Example()
    for member, content in members(value):
        name = member.partition("\0")[0]
        kind, values = _feature(content if isinstance(content, list) else [content], name)
        feature = example.features.feature[name]
        feature.Clear()  # the last of a repeated name counts
        if kind:
            getattr(feature, kind).value.extend(values)
    return example


def _feature(contents, name):
    """`(kind, values)` of a feature, all of one kind; "" for an empty list."""
    kind, values = "", []
    for content in contents:
        content_kind = _kind(content, name)
        if kind and content_kind != kind:
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {KIND_NAMES[kind]}")
        kind = content_kind
        values.append(_value(content, name))
    return kind, values


def _kind(content, name):
    if isinstance(content, str) or is_base64(content):
        return BYTES
    if content is None or isinstance(content, dict | list):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(content)}")
    return FLOATS if isinstance(content, float) else INTEGERS


def _value(content, name):
    if isinstance(content, str):
        return content.encode("utf-8", "surrogateescape")
    if isinstance(content, dict):
        return decode_base64(content)
    if not isinstance(content, float) and content > RANGES["int64"][1]:
        raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    return int(content) if isinstance(content, bool) else content
