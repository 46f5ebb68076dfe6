"""`zoo.register`: add architectures, objectives, tokenizers, presets and other classes of your own to the catalog."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.runtime.errors import UserError

LEGAL = "an Architecture, an Objective, a TokenizerSpec, a Reader, an Experiment (classes) or a Preset (an instance)"


def register(thing: Any = None, *, name: str = "") -> Any:
    """Register a class or a preset of your own, so that it is known by name as the files of the zoo are.

    For a class use `@zoo.register` or `@zoo.register("my_name")`, above `@dataclass(frozen=True, kw_only=True)`; for a
    preset `zoo.register(preset, name="my_name")`. The kind follows from the contract: a class is a subclass of
    `zoo.Architecture`, `zoo.Objective`, `zoo.TokenizerSpec`, `zoo.Reader` or `zoo.course.Experiment`.

    Args:
        thing: the class or preset; or the name, for a decorator with a name.
        name: by default the name of the class in snake_case.

    Returns `thing`, or a decorator. Raises UserError for a name that is taken, and for a thing of another kind.
    """
    if thing is None or isinstance(thing, str):
        return _decorator(thing or name)
    kind = _kind_of(thing)
    name = name or (_snake_case(thing.__name__) if isinstance(thing, type) else "")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"Expected a name of a-z, 0-9 and _ for {_title(thing)}. Received: name={name!r}.")
    if name in catalog.files(kind) or not _replaces(catalog.REGISTERED[kind].get(name), thing):
        raise UserError(f"Expected a new name for {_title(thing)}. Received: {name!r}, which is taken in {kind}.")
    catalog.REGISTERED[kind][name] = thing
    if kind == "readers":
        importlib.import_module("zoo.readers._reader").REGISTERED[name] = thing
    return thing


def _decorator(name) -> Callable[[Any], Any]:
    return lambda thing: register(thing, name=name)


def _kind_of(thing):
    """The kind whose contract a class or preset fulfils."""
    for kind in catalog.CONTRACTS:
        base, is_class = catalog.contract(kind), isinstance(thing, type)
        if isinstance(thing, base) if kind == "presets" else is_class and issubclass(thing, base):
            _check_dataclass(kind, thing)
            return kind
    raise UserError(f"Expected {LEGAL} to register. Received: {thing!r:.80}.")


def _check_dataclass(kind, thing):
    """Raise UserError for a class with annotated fields that lacks the dataclass decorator."""
    has_fields = kind not in ("readers", "presets") and "__annotations__" in vars(thing)
    if has_fields and "__dataclass_fields__" not in vars(thing):
        raise UserError(f"Expected @dataclass(frozen=True, kw_only=True) below @zoo.register of {thing.__name__}.")


def _replaces(before, thing):
    """Whether `thing` may take the name of `before`: the same thing, or the same class, which a notebook redefines."""
    if before is None or before is thing:
        return True
    return isinstance(thing, type) and _full_name(before) == _full_name(thing)


def _full_name(cls):
    return cls.__module__, cls.__qualname__


def _title(thing):
    return thing.__qualname__ if isinstance(thing, type) else f"a {type(thing).__name__}"


def _snake_case(name):
    """ "MyLSTMTagger" -> "my_lstm_tagger"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def register_layers() -> None:
    """Import every module of the zoo that registers a Keras layer or loss, so that Keras can load it by name."""
    folder = Path(__file__).parent
    modules = [*sorted((folder / "layers").rglob("*.py")), *catalog.files("architectures").values()]
    for path in modules:
        importlib.import_module(".".join(("zoo", *path.relative_to(folder).with_suffix("").parts)))
