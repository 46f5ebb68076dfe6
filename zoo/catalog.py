"""The catalog: architectures, objectives, tokenizers, readers, presets and experiments by name.

A file in `zoo/architectures`, `zoo/objectives` and so on is registered under its name. Reading names and descriptions
imports neither Keras nor a framework.
"""

import ast
import importlib
import pkgutil
import sys
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.runtime.errors import UserError, unknown
from zoo.runtime.plugins import load_plugins

if TYPE_CHECKING:
    from zoo.architectures import Architecture
    from zoo.objectives import Objective

SWITCHES = ("bidirectional", "causal")  # fields that decide which objectives an architecture suits
CONTRACTS = {  # kind -> its contract, a class of the package `zoo.<kind>`
    "architectures": "Architecture",
    "objectives": "Objective",
    "readers": "Reader",
    "tokenizers": "TokenizerSpec",
    "presets": "Preset",
    "recipes": "Recipe",
    "course": "Experiment",
}
REGISTERED: dict[str, dict[str, Any]] = {kind: {} for kind in CONTRACTS}  # by `zoo.register`: {kind: {name: thing}}


def names(kind: str) -> tuple[str, ...]:
    """Sorted names of everything of one kind, registered things too.

    >>> "lstm" in zoo.names("architectures"), "classify_text" in zoo.names("objectives")
    (True, True)

    Raises UserError for a kind that is not one of `CONTRACTS`.
    """
    if kind not in CONTRACTS:
        raise UserError(unknown("kind", kind, CONTRACTS))
    load_plugins()
    return tuple(sorted({*files(kind), *REGISTERED[kind]}))


def load(kind: str, name: str) -> Any:
    """The class of that name, or the instance of that name of a preset.

    Raises UserError, with the nearest known name, for a name that is not in the catalog.
    """
    if name not in files(kind) and name not in names(kind):
        raise UserError(unknown(noun(kind), name, names(kind)))
    return REGISTERED[kind][name] if name in REGISTERED[kind] else _load_file(kind, name)


def sizes(kind: str, name: str) -> dict[str, Any]:
    """Named sizes, {name: instance}: constants of the module that defines a class, the smallest first.

    `TINY = BERT(width=128, ...)` in bert.py is "tiny".
    """
    cls = load(kind, name)
    module = vars(sys.modules[cls.__module__])
    return {constant.lower(): value for constant, value in module.items() if type(value) is cls and constant.isupper()}


def create(kind: str, text: str) -> Any:
    """An instance by name: "bert:tiny" is a named size, "bert" the smallest named size or else the defaults.

    Raises UserError for an unknown name or size.
    """
    name, separator, size = text.partition(":")
    known = sizes(kind, name)
    if not separator:
        return next(iter(known.values())) if known else load(kind, name)()
    if size not in known:
        noun = f"size of {name}" if known else f"size of {name}, which has no named sizes"
        raise UserError(unknown(noun, size, known or [name]))
    return known[size]


def noun(kind: str) -> str:
    """What one thing of a kind is called: "architecture" for "architectures", "experiment" for "course"."""
    return {"course": "experiment"}.get(kind, kind.removesuffix("s"))


def describe(kind: str, name: str) -> str:
    """The first line of the docstring of a file of the zoo, or of a registered class; "" for a registered preset."""
    path = files(kind).get(name)
    if path is not None:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    else:
        thing = load(kind, name)
        doc = thing.__doc__ if isinstance(thing, type) else ""
        doc = "" if doc and doc.startswith(f"{thing.__name__}(") else doc  # the signature, which `dataclass` writes
    return (doc or "").strip().partition("\n")[0]


def name_of(kind: str, thing: Any) -> str:
    """The catalog's name of a class, or of an instance's class.

    Raises UserError for a class that is not in the catalog: nothing could load it again.
    """
    cls = thing if isinstance(thing, type) else type(thing)
    name = next((name for name, value in REGISTERED[kind].items() if value is cls), None)
    if name is None and cls.__module__.startswith(f"zoo.{kind}."):
        name = cls.__module__.rpartition(".")[2]
    if name is None:
        raise UserError(
            f"Expected a registered class of {kind}, which can be loaded again. Received: {cls.__qualname__} of the "
            f"module {cls.__module__}. Decorate the class with @zoo.register."
        )
    return name


def incompatibility(objective: "Objective", architecture: "Architecture") -> str:
    """Why an architecture does not suit an objective; "" where it does."""
    try:
        objective.check_architecture(architecture)
    except UserError as error:
        return str(error)
    return ""


def compatible_architectures(objective: str) -> dict[str, str]:
    """{architecture: required setting} of all that suit the objective of that name.

    The setting is "" with the defaults, else for example "bidirectional=True".
    """
    instance = load("objectives", objective)()
    settings = {name: _required_setting(load("architectures", name), instance) for name in names("architectures")}
    return {name: setting for name, setting in settings.items() if setting is not None}


def _required_setting(architecture, objective):
    switches = [field for field in fields(architecture) if field.init and field.name in SWITCHES]
    for setting in ({}, *({field.name: not field.default} for field in switches)):
        if not incompatibility(objective, architecture(**setting)):
            return ", ".join(f"{name}={value}" for name, value in setting.items())
    return None


def files(kind: str) -> dict[str, Path]:
    """{name: path} of the files of one kind; those that begin with _ are contracts and shared code."""
    spec = find_spec(f"zoo.{kind}")
    folders = (spec and spec.submodule_search_locations) or []
    modules = [(folder, module.name) for folder in folders for module in pkgutil.iter_modules([folder])]
    return {name: Path(folder, f"{name}.py") for folder, name in modules if not name.startswith("_")}


@cache
def _load_file(kind, name):
    module, base = importlib.import_module(f"zoo.{kind}.{name}"), contract(kind)
    if kind == "presets":
        (thing,) = [value for value in vars(module).values() if isinstance(value, base)]
    else:
        values = (value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
        (thing,) = [value for value in values if isinstance(value, type) and issubclass(value, base)]
    return thing


def contract(kind: str) -> type:
    """The base class of a kind, as `zoo.architectures.Architecture` is of "architectures"."""
    return getattr(importlib.import_module(f"zoo.{kind}"), CONTRACTS[kind])
