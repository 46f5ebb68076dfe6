"""What the zoo holds: every file in `architectures`, `objectives`, `readers`, `tokenizers` and `presets`, by its name.

A file's name is its registration, so adding a thing edits nothing here.
"""

import importlib
import pkgutil
from dataclasses import fields
from functools import cache

from zoo.architectures import Architecture
from zoo.objectives import Objective
from zoo.presets import Preset
from zoo.readers import Reader
from zoo.runtime.errors import UserError, unknown
from zoo.tokenizers import TokenizerSpec

SWITCHES = ("bidirectional", "causal")  # fields that decide which objectives an architecture is able to serve
KINDS = {
    "architectures": Architecture,
    "objectives": Objective,
    "readers": Reader,
    "tokenizers": TokenizerSpec,
    "presets": Preset,
}


@cache
def names(kind):
    """Sorted names of all things of one kind.

    Raises UserError for a kind that is not one of `KINDS`.
    """
    if kind not in KINDS:
        raise UserError(unknown("kind", kind, KINDS))
    package = importlib.import_module(f"zoo.{kind}")
    modules = pkgutil.iter_modules(package.__path__)
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


@cache
def load(kind, name):
    """The one class of `kind` (or, for presets, the one instance) that the file `name` defines.

    Raises UserError, naming the nearest known name, for a name that is not in the catalog.
    """
    if name not in names(kind):
        raise UserError(unknown(kind.removesuffix("s"), name, names(kind)))
    module = importlib.import_module(f"zoo.{kind}.{name}")
    (thing,) = [value for value in vars(module).values() if _belongs(value, kind, module)]
    return thing


def describe(kind, name):
    """The first line of the docstring of the file behind a name."""
    load(kind, name)
    return importlib.import_module(f"zoo.{kind}.{name}").__doc__.partition("\n")[0]


def name_of(kind, thing):
    """The catalog's name of a class, or of an instance of one."""
    owner = thing if isinstance(thing, type) else type(thing)
    return owner.__module__.removeprefix(f"zoo.{kind}.")


def incompatibility(objective, architecture):
    """Why an architecture cannot serve an objective, or "" where it can."""
    try:
        objective.check_architecture(architecture)
    except UserError as error:
        return str(error)
    return ""


def compatible_architectures(objective):
    """{architecture: how it serves the objective of that name}, of those that are able to.

    "" is as it comes; else the setting that makes it able, such as "bidirectional=True".
    """
    made = load("objectives", objective)()
    found = {name: _settings(load("architectures", name), made) for name in names("architectures")}
    return {name: settings for name, settings in found.items() if settings is not None}


def _settings(architecture, objective):
    switches = [field for field in fields(architecture) if field.name in SWITCHES and field.init]
    for given in ({}, *({field.name: not field.default} for field in switches)):
        if not incompatibility(objective, architecture(**given)):
            return ", ".join(f"{name}={value}" for name, value in given.items())
    return None


def _belongs(value, kind, module):
    if kind == "presets":
        return isinstance(value, Preset)
    return isinstance(value, type) and issubclass(value, KINDS[kind]) and value.__module__ == module.__name__
