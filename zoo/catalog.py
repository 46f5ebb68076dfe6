"""What the zoo holds: every file in `architectures`, `objectives`, `datasets`, `tokenizers` and `presets`, by its name.

A file's name is its registration, so adding a thing edits nothing here.
"""

import importlib
import pkgutil
from functools import cache

from zoo.architecture import Architecture
from zoo.dataset import Reader
from zoo.messages import unknown
from zoo.objective import Objective
from zoo.preset import Preset
from zoo.tokenizer import Tokenizer

KINDS = {
    "architectures": Architecture,
    "objectives": Objective,
    "datasets": Reader,
    "tokenizers": Tokenizer,
    "presets": Preset,
}


@cache
def names(kind):
    """Sorted names of all things of one kind.

    Raises ValueError for a kind that is not one of `KINDS`.
    """
    if kind not in KINDS:
        raise ValueError(unknown("kind", kind, KINDS))
    package = importlib.import_module(f"zoo.{kind}")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


@cache
def load(kind, name):
    """The one class of `kind` (or, for presets, the one instance) that the file `name` defines.

    Raises ValueError, naming the nearest known name, for a name that is not in the catalog.
    """
    if name not in names(kind):
        raise ValueError(unknown(kind.removesuffix("s"), name, names(kind)))
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


def refusal(objective, architecture):
    """Why an architecture cannot serve an objective, or "" where it can."""
    try:
        objective.check(architecture)
    except ValueError as error:
        return str(error)
    return ""


def _belongs(value, kind, module):
    if kind == "presets":
        return isinstance(value, Preset)
    return isinstance(value, type) and issubclass(value, KINDS[kind]) and value.__module__ == module.__name__
