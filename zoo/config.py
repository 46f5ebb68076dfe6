"""Presets as JSON and as `path.to.field=value`: written beside a trained model, read back, overridden by hand."""

import json
from dataclasses import fields, is_dataclass, replace
from importlib.metadata import version

from zoo import catalog
from zoo.presets import Data, LoRA, Preset, Training, Tuning
from zoo.runtime.errors import UserError, unknown

FORMAT = 1  # of preset.json; raised when a reader of the old form could misread the new one
PARTS = {"architecture": "architectures", "objective": "objectives", "tokenizer": "tokenizers"}
PLAIN = {"data": Data, "training": Training, "tuning": Tuning, "lora": LoRA}


def to_json(preset):
    """The preset as indented JSON; each part says which file of the catalog it is an instance of."""
    parts = {part: {"name": catalog.name_of(kind, getattr(preset, part))} for part, kind in PARTS.items()}
    for item in fields(preset):
        part = getattr(preset, item.name)
        parts.setdefault(item.name, {}).update({field.name: getattr(part, field.name) for field in fields(part) if field.init})
    return json.dumps({"format": FORMAT, "zoo": version("zoo"), **parts}, indent=2, ensure_ascii=False) + "\n"


def from_json(text):
    """The preset that `to_json` wrote.

    Raises UserError for broken JSON, another format, or names and fields that this version does not know.
    """
    try:
        values = json.loads(text)
        found = values["format"]
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise UserError(f"Expected the JSON of a preset. Received: {error.__class__.__name__} ({error}).") from None
    if found != FORMAT:
        raise UserError(f"Expected preset format {FORMAT}. Received: {found} (written by zoo {values.get('zoo')}).")
    missing = [part for part in (*PARTS, "data", "training") if part not in values]
    if missing:
        raise UserError(f"Expected the parts of a preset. Received: none for {', '.join(missing)}.")
    parts = {part: _named(kind, dict(values[part])) for part, kind in PARTS.items()}
    return Preset(**parts, **{part: _filled(make, values.get(part, {}), part) for part, make in PLAIN.items()})


def override(preset, assignments):
    """A copy of `preset` with fields replaced.

    Args:
        assignments: strings such as `training.max_steps=50`, or `architecture=lstm` for another one with its defaults.

    Raises UserError for an unknown path or a value of the wrong type, naming the nearest known field.
    """
    for assignment in assignments:
        path, separator, value = assignment.partition("=")
        if not separator:
            raise UserError(f"Expected path.to.field=value. Received: {assignment!r}.")
        preset = _assign(preset, path.split("."), value, path)
    return preset


def differences(one, other):
    """Dotted paths of the fields in which two presets differ."""
    one, other = json.loads(to_json(one)), json.loads(to_json(other))
    return [path for path in sorted(_leaves(one) | _leaves(other)) if _leaf(one, path) != _leaf(other, path)]


def _named(kind, values):
    return _filled(catalog.load(kind, values.pop("name", "")), values, kind.removesuffix("s"))


def _filled(make, values, part):
    known = [field.name for field in fields(make) if field.init]
    for name in values:
        if name not in known:
            raise UserError(unknown(f"field of {part}", name, known))
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _assign(owner, path, value, whole):
    known = [field.name for field in fields(owner) if field.init]
    if path[0] not in known:
        raise UserError(unknown(f"field {whole!r}", path[0], known))
    old = getattr(owner, path[0])
    if len(path) == 1:
        return replace(owner, **{path[0]: _read(value, old, whole, path[0])})
    if isinstance(old, dict) and len(path) == 2:
        return replace(owner, **{path[0]: {**old, path[1]: value}})
    if not is_dataclass(old):
        raise UserError(f"{'.'.join(path)!r} goes too deep: {path[0]!r} is a value. Received: {whole!r}.")
    return replace(owner, **{path[0]: _assign(old, path[1:], value, whole)})


def _read(value, old, whole, part):
    if is_dataclass(old):
        if part not in PARTS:
            raise UserError(f"Expected one field of {part}, as in {part}.FIELD=value. Received: {whole}={value}.")
        return catalog.load(PARTS[part], value)()
    try:
        return _parse(value, old)
    except ValueError:
        expected = "true or false" if isinstance(old, bool) else f"a value like {json.dumps(old)}"
        raise UserError(f"Expected {expected} for {whole}. Received: {value!r}.") from None


def _parse(value, old):
    if isinstance(old, bool):
        return {"true": True, "false": False}[value.lower()] if value.lower() in ("true", "false") else int("not bool")
    if isinstance(old, int | float):
        return type(old)(value)
    if isinstance(old, tuple):
        items = [item.strip() for item in value.strip("()[]").split(",") if item.strip()]
        return tuple(type(old[0])(item) if old else item for item in items)
    if isinstance(old, dict):
        return json.loads(value)
    return None if value == "none" else value


def _leaves(tree, path=()):
    if not isinstance(tree, dict) or not tree:
        return {".".join(path)}
    return set().union(*(_leaves(value, (*path, name)) for name, value in tree.items()))


def _leaf(tree, path):
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree
