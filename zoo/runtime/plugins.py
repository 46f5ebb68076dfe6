"""Plugins: modules of a user, or of installed packages, that register classes and presets with `zoo.register`."""

import importlib
import importlib.metadata
import sys
import traceback
from pathlib import Path

from zoo.runtime.console import console
from zoo.runtime.errors import UserError, single_line

GROUP = "zoo.plugins"  # of entry points: each is a module, or a function without arguments, that calls `zoo.register`
_loaded: list[str] = []  # groups of entry points that were loaded


def import_plugin(module: str) -> None:
    """Import a module that registers classes or presets (`--import MODULE`).

    The current folder is searched too, after all others.

    Args:
        module: a dotted name, or the path of a .py file, whose folder is then searched for further modules.

    Raises UserError, in one line, where the import fails.
    """
    path = Path(module)
    if path.suffix == ".py" and not path.is_file():
        raise UserError(f"Expected a Python file to import. Received: {module}, which does not exist.")
    name = path.stem if path.suffix == ".py" else module
    _append_to_path(path.parent if path.suffix == ".py" else Path())
    try:
        plugin = importlib.import_module(name)
    except Exception as error:
        raise UserError(f"Cannot import {module}: {_describe(error)}") from error
    if path.suffix == ".py" and not path.samefile(plugin.__file__ or ""):
        raise UserError(f"Expected a file name that no other module has. Received: {module}; {name} is {plugin!r}.")


def load_plugins() -> None:
    """Load the entry points of the group `zoo.plugins`, once; a plugin that fails is reported in one line."""
    for entry in _new_entry_points():
        try:
            plugin = entry.load()
            if callable(plugin):
                plugin()
        except Exception as error:
            console.print(f"The plugin {entry.name} ({entry.value}) failed: {_describe(error)}", markup=False)


def _new_entry_points():
    """The entry points at the first call, none later: a plugin may itself look names up."""
    if _loaded:
        return ()
    _loaded.append(GROUP)
    return importlib.metadata.entry_points(group=GROUP)


def _append_to_path(folder):
    """Append `folder` to `sys.path`: a module of the same name in another folder comes first."""
    folder = str(folder.resolve())
    if folder not in sys.path:
        sys.path.append(folder)


def _describe(error):
    """An error of a plugin's code in one line: type, message and location."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    location = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {single_line(str(error))[:300]}{location}"


def _is_machinery(file):
    return file.startswith("<frozen") or file in (__file__, importlib.__file__, importlib.metadata.__file__)
