"""Parsing of text by type annotations: bool, int, float, str, tuple, dict, Literal and unions with None."""

import json
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

BOOLEANS = {"true": True, "false": False}
EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", dict: "an object in JSON"}


def parse(text: str, annotation: Any) -> Any:
    """Parse `text` as a value of the type `annotation`.

    "none" is None where the type allows it; a tuple is "3,4" or "(3, 4)"; a dict is JSON. Raises ValueError for any
    other text.
    """
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (Union, UnionType):
        return _parse_union(text, arguments)
    if origin is Literal:
        values = {str(value): value for value in arguments}
        return values[text] if text in values else _fail(text)
    if origin is NoneType:
        return None if text.lower() == "none" else _fail(text)
    if origin is bool:
        return BOOLEANS[text.lower()] if text.lower() in BOOLEANS else _fail(text)
    if origin is tuple:
        items = [item.strip().strip("'\"") for item in text.strip("()[]").split(",") if item.strip()]
        return tuple(parse(item, arguments[0] if arguments else str) for item in items)
    if origin in (dict, Mapping):
        value = json.loads(text)
        return value if isinstance(value, dict) else _fail(text)
    return origin(text) if origin in (int, float) else text


def has_type(value: Any, annotation: Any) -> bool:
    """Whether a value of JSON, whose lists are tuples, is of a type; all are of a type unknown to `parse`."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (Union, UnionType):
        return any(has_type(value, option) for option in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, list | tuple) and all(has_type(item, (*arguments, Any)[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict)
    if origin is float:
        return type(value) in (int, float)
    return type(value) is origin if origin in (bool, int, str, NoneType) else True


def describe_type(annotation: Any) -> str:
    """What `parse` expects for a type, in words."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join("none" if option is NoneType else describe_type(option) for option in arguments)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        return f"values separated by commas, each {describe_type(arguments[0] if arguments else str)},"
    return EXPECTED.get(origin, str(annotation))


def _parse_union(text, annotations):
    """The value of the first type that `text` fits; None is tried first and str last."""
    for annotation in sorted(annotations, key=lambda option: (option is not NoneType, option is str)):
        try:
            return parse(text, annotation)
        except ValueError:
            pass
    return _fail(text)


def _fail(text):
    raise ValueError(text)
