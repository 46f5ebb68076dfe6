"""Import optional libraries: a missing one is a user error that names the extra to install."""

from importlib import import_module
from types import ModuleType

from zoo.runtime.errors import UserError


def import_optional(module: str, extra: str, purpose: str) -> ModuleType:
    """The module of an optional library.

    Raises UserError, with the command that installs the extra, where it cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise UserError(
            f'{purpose} needs the package {package} ({error}): pip install "keras-text-zoo[{extra}]"'
        ) from error
