"""JSON schemas (https://json-schema.org/draft/2020-12) as regular expressions of the JSON texts that they hold for.

What stands in a schema and cannot be kept to is refused, never passed over. Texts are written as Python's `json` writes
them, their properties in the schema's order; properties that the schema does not name are never written. A part that
holds itself, as a tree does, is written `DEPTH` levels deep at most: a regular expression cannot count.
"""

import json
import re

from zoo.runtime.errors import UserError

ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions"}
KEYWORDS = {  # type: what may stand beside it
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
MOST = 1000  # integers of a range, which are written out one by one
DEPTH = 4  # levels of a part that holds itself
LONGEST = 100_000  # characters of such a part, written out: they grow with each way that it holds itself


def expression(schema):
    """The regular expression of a schema, a dict or its JSON.

    Raises UserError, naming it, for what is no schema, no text can fulfil, or no regular expression can say.
    """
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise UserError(f"Expected a JSON schema. Received: {schema!r:.80}, which is no JSON: {error}.") from None
    found = _Schema(schema).any(schema)
    if found is None:
        raise _refusal(f"one that a text can fulfil, of parts in themselves {DEPTH} levels deep", schema)
    return found


class _Schema:
    """Each method gives the expression of a part, or None where every text of it would lie deeper than `DEPTH`."""

    def __init__(self, root):
        self.root, self.within = root, ["#"]

    def any(self, schema):
        """The expression of a part of the schema."""
        if not isinstance(schema, dict):
            raise _refusal("a schema, {...}", schema)
        if "$ref" in schema:
            return self._referred(schema["$ref"])
        if "const" in schema or "enum" in schema:
            return self._literals(schema)
        if "anyOf" in schema:
            _check(schema, {"anyOf"})
            return _either([self.any(one) for one in schema["anyOf"]])
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds or []
        if not kinds or not set(kinds) <= set(KEYWORDS):
            raise _refusal(f"a type of {', '.join(KEYWORDS)}, or enum, const, anyOf or $ref", schema)
        _check(schema, {"type"}.union(*(KEYWORDS[kind] for kind in kinds)))
        return _either([SIMPLE[kind] if kind in SIMPLE else getattr(self, f"_{kind}")(schema) for kind in kinds])

    def _referred(self, path):
        """What `#/$defs/name`, or `#`, the whole schema, stands for."""
        if not re.match("#(/|$)", str(path)):
            raise _refusal("references such as #/$defs/name", path)
        if self.within.count(path) == DEPTH:
            return None
        part = self.root
        for name in path.split("/")[1:]:
            part = part.get(name) if isinstance(part, dict) else None
        self.within.append(path)
        found = self.any(part)
        self.within.pop()
        if found and len(found) > LONGEST:
            raise _refusal(f"parts that hold themselves in fewer ways, {LONGEST} characters written out", path)
        return found

    def _literals(self, schema):
        _check(schema, {"const", "enum", "type"})
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if not isinstance(values, list) or not values:
            raise _refusal("enum with a value at least", schema)
        return _either([_literal(value) for value in values])

    def _object(self, schema):
        properties, required = schema.get("properties"), set(schema.get("required", ()))
        if not isinstance(properties, dict) or not properties or not required <= set(properties):
            raise _refusal("properties, those that are required among them", schema)
        inner = {name: self.any(part) for name, part in properties.items()}
        if any(inner[name] is None for name in required):
            return None
        parts = [(name in required, f"{_literal(name)}: {part}") for name, part in inner.items() if part is not None]
        first = next((i for i, (needed, _) in enumerate(parts) if needed), None)
        if first is not None:
            before = "".join(f"(?:{part}, )?" for _, part in parts[:first])
            return rf"\{{{before}{parts[first][1]}{_rest(parts[first + 1 :])}\}}"
        ways = (part + _rest(parts[i + 1 :]) for i, (_, part) in enumerate(parts))
        return rf"\{{(?:{'|'.join(ways)})?\}}"

    def _array(self, schema):
        least, most = _bounds(schema, "minItems", "maxItems")
        item = self.any(schema.get("items"))
        if item is None and least:
            return None
        if item is None or most == 0:
            return r"\[\]"
        more = f"(?:, {item}){{{max(least - 1, 0)},{'' if most is None else most - 1}}}"
        return rf"\[{item}{more}\]" if least else rf"\[(?:{item}{more})?\]"

    def _string(self, schema):
        least, most = _bounds(schema, "minLength", "maxLength")
        return f'"{CHARACTER}{{{least},{"" if most is None else most}}}"'

    def _integer(self, schema):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is None and high is None:
            return INTEGER
        if not isinstance(low, int) or not isinstance(high, int) or not 0 <= high - low < MOST:
            raise _refusal(f"both minimum and maximum, whole numbers, and up to {MOST} values", schema)
        return _either([str(value) for value in range(low, high + 1)])


def _check(schema, known):
    if strange := set(schema) - known - ANNOTATIONS:
        raise _refusal(f"a schema of what can be kept to, here {', '.join(sorted(known))}", sorted(strange)[0])


def _bounds(schema, least, most):
    low, high = schema.get(least, 0), schema.get(most)
    whole = all(type(bound) is int and bound >= 0 for bound in (low, high) if bound is not None)
    if not whole or (high is not None and high < low):
        raise _refusal(f"whole numbers, {least} at most {most}", schema)
    return low, high


def _rest(parts):
    return "".join(f", {part}" if needed else f"(?:, {part})?" for needed, part in parts)


def _either(ways):
    ways = [way for way in ways if way is not None]
    if not ways:
        return None
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _literal(value):
    return re.escape(json.dumps(value, ensure_ascii=False))


def _refusal(expected, received):
    return UserError(f"Expected in the schema {expected}. Received: {json.dumps(received):.100}.")
