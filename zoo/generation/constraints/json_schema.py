"""JSON schemas (https://json-schema.org/draft/2020-12) compiled to regular expressions, for constrained decoding.

A keyword that cannot be enforced is refused, never ignored. Texts are written as Python's `json` writes them, their
properties in the schema's order. Properties that the schema does not name are never written, but where it names none
and has a schema for all, `additionalProperties`. A recursive part, such as a tree, is at most `DEPTH` levels deep: a
regular expression cannot count.

outlines-core 0.2.14 has `json_schema.build_regex_from_schema`. Tried on sixteen schemas, it ignores
`minimum` and `maximum` of integers, `not` and `uniqueItems` silently, and refuses `{"$ref": "#"}`.
"""

import json
import re
from typing import Any

from zoo.runtime.errors import UserError

ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions"}
KEYWORDS = {  # type: its keywords
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": set(),
    "boolean": set(),
    "null": set(),
}
CHARACTER = r'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])'
INTEGER = r"-?(?:0|[1-9][0-9]*)"
SIMPLE = {"number": rf"{INTEGER}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", "boolean": "(?:true|false)", "null": "null"}
MAX_RANGE = 1000  # integers in a range, each of which is an alternative of the expression
DEPTH = 4  # levels of a recursive part
MAX_LENGTH = 100_000  # characters of the expression of a recursive part: they grow with each way that it recurs


def schema_to_regex(schema: dict[str, Any] | str) -> str:
    """The regular expression of a JSON schema, a dict or its JSON.

    Raises UserError, naming the part, for an invalid schema, one that no text fulfils, and one that no regular
    expression enforces.
    """
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise UserError(f"Expected a JSON schema. Received: {schema!r:.80}, which is not JSON: {error}.") from None
    regex = _Schema(schema).any(schema)
    if regex is None:
        raise _user_error(f"a schema that a text can fulfil, with recursive parts {DEPTH} levels deep", schema)
    return regex


class _Schema:
    """Compiles the parts of a schema: methods return a regular expression, or None where all texts exceed `DEPTH`."""

    def __init__(self, root: Any):
        self.root, self.path = root, ["#"]

    def any(self, schema):
        """The expression of a part of the schema."""
        if not isinstance(schema, dict):
            raise _user_error("a schema, {...}", schema)
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "const" in schema or "enum" in schema:
            return self._literals(schema)
        if "anyOf" in schema:
            _check(schema, {"anyOf"})
            return _alternatives([self.any(part) for part in schema["anyOf"]])
        types = schema.get("type")
        types = [types] if isinstance(types, str) else types or []
        if not types or not set(types) <= set(KEYWORDS):
            raise _user_error(f"a type of {', '.join(KEYWORDS)}, or enum, const, anyOf or $ref", schema)
        _check(schema, {"type"}.union(*(KEYWORDS[name] for name in types)))
        return _alternatives([SIMPLE[name] if name in SIMPLE else getattr(self, f"_{name}")(schema) for name in types])

    def _reference(self, path):
        """The expression of `#/$defs/name`, or of `#`, the root."""
        if not re.match("#(/|$)", str(path)):
            raise _user_error("references such as #/$defs/name", path)
        if self.path.count(path) == DEPTH:
            return None
        part = self.root
        for name in path.split("/")[1:]:
            part = part.get(name) if isinstance(part, dict) else None
        self.path.append(path)
        regex = self.any(part)
        self.path.pop()
        if regex and len(regex) > MAX_LENGTH:
            raise _user_error(f"parts that recur in fewer ways: an expression of at most {MAX_LENGTH} characters", path)
        return regex

    def _literals(self, schema):
        _check(schema, {"const", "enum", "type"})
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if not isinstance(values, list) or not values:
            raise _user_error("enum with at least one value", schema)
        return _alternatives([_literal(value) for value in values])

    def _object(self, schema):
        properties, required = schema.get("properties"), set(schema.get("required", ()))
        if not properties and not required and isinstance(schema.get("additionalProperties"), dict):
            return self._map(schema["additionalProperties"])
        if not isinstance(properties, dict) or not properties or not required <= set(properties):
            raise _user_error("properties, with the required ones among them", schema)
        regexes = {name: self.any(part) for name, part in properties.items()}
        if any(regexes[name] is None for name in required):
            return None
        parts = [
            (name in required, f"{_literal(name)}: {regex}") for name, regex in regexes.items() if regex is not None
        ]
        first = next((i for i, (is_required, _) in enumerate(parts) if is_required), None)
        if first is not None:
            before = "".join(f"(?:{part}, )?" for _, part in parts[:first])
            return rf"\{{{before}{parts[first][1]}{_after_comma(parts[first + 1 :])}\}}"
        alternatives = (part + _after_comma(parts[i + 1 :]) for i, (_, part) in enumerate(parts))
        return rf"\{{(?:{'|'.join(alternatives)})?\}}"

    def _map(self, values):
        """The expression of an object of properties with any names, whose values have one schema."""
        value = self.any(values)
        if value is None:
            return r"\{\}"
        entry = f'"{CHARACTER}*": {value}'
        return rf"\{{(?:{entry}(?:, {entry})*)?\}}"

    def _array(self, schema):
        low, high = _bounds(schema, "minItems", "maxItems")
        item = self.any(schema.get("items"))
        if item is None and low:
            return None
        if item is None or high == 0:
            return r"\[\]"
        further_items = f"(?:, {item}){{{max(low - 1, 0)},{'' if high is None else high - 1}}}"
        return rf"\[{item}{further_items}\]" if low else rf"\[(?:{item}{further_items})?\]"

    def _string(self, schema):
        low, high = _bounds(schema, "minLength", "maxLength")
        return f'"{CHARACTER}{{{low},{"" if high is None else high}}}"'

    def _integer(self, schema):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is None and high is None:
            return INTEGER
        if not isinstance(low, int) or not isinstance(high, int) or not 0 <= high - low < MAX_RANGE:
            raise _user_error(f"both minimum and maximum, integers, and at most {MAX_RANGE} values", schema)
        return _alternatives([str(value) for value in range(low, high + 1)])


def _check(schema, keywords):
    if unknown := set(schema) - keywords - ANNOTATIONS:
        expected = f"a schema of keywords that can be enforced, here {', '.join(sorted(keywords))}"
        raise _user_error(expected, sorted(unknown)[0])


def _bounds(schema, low_name, high_name):
    low, high = schema.get(low_name, 0), schema.get(high_name)
    integers = all(type(bound) is int and bound >= 0 for bound in (low, high) if bound is not None)
    if not integers or (high is not None and high < low):
        raise _user_error(f"integers, {low_name} at most {high_name}", schema)
    return low, high


def _after_comma(parts):
    """The expression of parts, `(is_required, regex)`, that each follow another part."""
    return "".join(f", {part}" if is_required else f"(?:, {part})?" for is_required, part in parts)


def _alternatives(regexes):
    regexes = [regex for regex in regexes if regex is not None]
    if not regexes:
        return None
    return regexes[0] if len(regexes) == 1 else f"(?:{'|'.join(regexes)})"


def _literal(value):
    return re.escape(json.dumps(value, ensure_ascii=False))


def _user_error(expected, received):
    return UserError(f"Expected in the JSON schema {expected}. Received: {json.dumps(received):.100}.")
