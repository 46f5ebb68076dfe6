"""Keyword arguments: an unknown one is a user error that names the nearest known one."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from zoo.runtime.errors import UserError, unknown

P = ParamSpec("P")
R = TypeVar("R")


def check_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function or a method, so that an unknown keyword argument raises UserError, not TypeError."""
    names = [p.name for p in inspect.signature(function).parameters.values() if p.name != "self"]

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in names:
                raise UserError(unknown(f"argument of {function.__name__}", name, names))
        return function(*args, **kwargs)

    return checked
