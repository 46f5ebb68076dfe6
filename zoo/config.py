"""Presets as JSON, and overrides such as `training.epochs=3`, parsed by the type annotations of their fields."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar, get_type_hints

from zoo import catalog
from zoo.presets import Data, LoRA, Preset, Training, Tuning
from zoo.runtime.errors import UserError, did_you_mean, shorten, unknown
from zoo.runtime.field_comments import default_of, field_comments
from zoo.runtime.json_text import parse_json
from zoo.runtime.parsing import describe_type, has_type, parse
from zoo.runtime.version import VERSION

FORMAT = 2  # of preset.json; raised when a reader of the old form could misread the new form
PARTS = {"architecture": "architectures", "objective": "objectives", "tokenizer": "tokenizers"}
SECTIONS = {"data": Data, "training": Training, "tuning": Tuning, "lora": LoRA}
T = TypeVar("T")


def to_json(preset: Preset) -> str:
    """The preset as indented JSON; `name` is the catalog's name of a part's class.

    Raises UserError for a class that is not registered.
    """
    parts = {part: {"name": catalog.name_of(kind, getattr(preset, part))} for part, kind in PARTS.items()}
    for field in fields(preset):
        parts.setdefault(field.name, {}).update(_values(getattr(preset, field.name)))
    return json.dumps({"format": FORMAT, "zoo": VERSION, **parts}, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Preset:
    """The preset that `to_json` wrote. No module that the text names is imported.

    Raises UserError for broken JSON, another format, and names or fields that are unknown.
    """
    hint = "Train again, or copy the whole folder again."
    try:
        values = parse_json(text)
    except UserError as error:
        raise UserError(f"{str(error).replace('JSON', 'the JSON of a preset', 1)} {hint}") from None
    if not isinstance(values, dict) or "format" not in values:
        raise UserError(f"Expected the JSON of a preset. Received: {shorten(values)}. {hint}")
    number = values["format"]
    if number != FORMAT:
        raise UserError(
            f"Expected preset format {FORMAT}. Received: {number}, written by zoo {values.get('zoo')}. "
            "Train the model again with this version."
        )
    missing = [part for part in (*PARTS, "data", "training") if part not in values]
    if missing:
        raise UserError(f"Expected the parts of a preset. Received: none for {', '.join(missing)}.")
    for name in (*PARTS, *SECTIONS):
        if not isinstance(values.get(name, {}), dict):
            raise UserError(f"Expected a JSON object with the fields of {name}. Received: {name}={values[name]!r:.60}.")
    parts = {part: _from_name(kind, dict(values[part])) for part, kind in PARTS.items()}
    sections = {name: _from_values(section, values.get(name, {}), name) for name, section in SECTIONS.items()}
    return Preset(**parts, **sections)


def override(preset: Preset, assignments: Iterable[str]) -> Preset:
    """A copy of `preset` with other values. Fields of a part are checked together, after all are set.

    Args:
        assignments: strings such as `training.max_steps=50`; `architecture=lstm` for another network, or
            `architecture=bert:tiny` for a named size of it. By itself a name means the smallest named size.

    Raises UserError for an unknown path, naming the nearest known field, or a value of another type.
    """
    parts = {field.name: getattr(preset, field.name) for field in fields(preset)}
    values: dict[str, dict[str, Any]] = {part: {} for part in parts}
    for assignment in assignments:
        path, text = _split(assignment, "path.to.field=value")
        part, *names = path.split(".")
        if part not in parts:
            raise UserError(unknown(f"field {path!r}", part, parts))
        if names:
            _assign(parts[part], values[part], names, text, path)
        elif part in PARTS:
            parts[part], values[part] = catalog.create(PARTS[part], text), {}
        else:
            raise UserError(f"Expected a field of {part}, as in {part}.FIELD=value. Received: {assignment}.")
    return Preset(**{name: replace(part, **values[name]) for name, part in parts.items()})


def override_fields(instance: T, assignments: Iterable[str]) -> T:
    """A copy of an instance of a dataclass with other values of its fields, from strings such as `depth=4`.

    Raises UserError for an unknown field, naming the nearest known one, or a value of another type.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, text = _split(assignment, "field=value")
        _assign(instance, values, [name], text, name)
    return replace(instance, **values)  # pyright: ignore[reportArgumentType, reportCallIssue, reportType]


def differences(first: Preset, second: Preset) -> list[str]:
    """Dotted paths of the fields in which two presets differ."""
    left, right = json.loads(to_json(first)), json.loads(to_json(second))
    return [path for path in sorted(_leaves(left) | _leaves(right)) if _leaf(left, path) != _leaf(right, path)]


def describe(preset: Preset) -> list[dict[str, Any]]:
    """A dict for each field that can be set: `setting` (its path), `value`, `type`, `default` and `meaning`.

    A field without a default has the default None.
    """
    return [
        {"setting": f"{part.name}.{field.name}"} | _described(getattr(preset, part.name), field)
        for part in fields(preset)
        for field in fields(getattr(preset, part.name))
        if field.init
    ]


def _split(assignment, form):
    """(path, text of the value) of an assignment."""
    path, separator, text = assignment.partition("=")
    if not separator:
        raise UserError(f"Expected {form}. Received: {assignment!r}.")
    return path, text


def _described(part, field) -> dict[str, Any]:
    comment, default = field_comments(type(part)).get(field.name), default_of(field)
    described = {"value": getattr(part, field.name), "type": comment.type if comment else str(field.type)}
    return described | {
        "default": None if default is MISSING else default,
        "meaning": comment.meaning if comment else "",
    }


def _values(part) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in fields(part) if field.init}


def _from_name(kind, values):
    name, part = values.pop("name", ""), kind.removesuffix("s")
    if not isinstance(name, str) or name not in catalog.names(kind):
        hint = "If it is your own, import the module that registers it (--import MODULE)."
        raise UserError(f"Unknown {part}. Received: {name!r}.{did_you_mean(name, catalog.names(kind))} {hint}")
    return _from_values(catalog.load(kind, name), values, part)


def _from_values(cls, values, part):
    known = [field.name for field in fields(cls) if field.init]
    for name in values:
        if name not in known:
            raise UserError(unknown(f"field of {part}", name, known))
    types = get_type_hints(cls)
    for name, value in values.items():
        if not has_type(value, types[name]):
            expected = describe_type(types[name])
            raise UserError(f"Expected {expected} for {part}.{name}. Received: {shorten(value)}.")
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _assign(part, values: dict[str, Any], names, text, path) -> None:
    """Parse `text` as the new value of a field of `part`, or of a key of a dict field, and add it to `values`.

    Args:
        part: a dataclass instance.
        values: {field: new value}.
        names: field, or field and key.
        path: the dotted path, for messages.
    """
    known, name = [field.name for field in fields(part) if field.init], names[0]
    if name not in known:
        raise UserError(unknown(f"field {path!r}", name, known))
    if len(names) == 1:
        values[name] = _parse(text, get_type_hints(type(part))[name], path)
        return
    value = values.get(name, getattr(part, name))
    if not isinstance(value, Mapping) or len(names) > 2:
        raise UserError(f"{'.'.join(names)!r} goes too deep: {name!r} is a value. Received: {path!r}.")
    values[name] = {**value, names[1]: text}


def _parse(text, annotation, path):
    try:
        return parse(text, annotation)
    except ValueError:
        raise UserError(f"Expected {describe_type(annotation)} for {path}. Received: {text!r}.") from None


def _leaves(tree, path=()):
    if not isinstance(tree, dict) or not tree:
        return {".".join(path)}
    return set().union(*(_leaves(value, (*path, name)) for name, value in tree.items()))


def _leaf(tree, path):
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree
