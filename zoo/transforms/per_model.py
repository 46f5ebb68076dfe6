"""A cache of what was made of a model, for as long as the model lives."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary


def per_model(make: Callable) -> Callable:
    """Cache `make(model)` or `make(model, other)`, where `other` is a second model or a function, while both live.

    The result must not hold the model itself, else neither is freed; it may hold the model's layers.
    """
    cache: WeakKeyDictionary = WeakKeyDictionary()

    @wraps(make, updated=())
    def cached(model: Any, *other: Any) -> Any:
        made, key = cache.setdefault(model, WeakKeyDictionary()), other[0] if other else model
        if key not in made:
            made[key] = make(model, *other)
        return made[key]

    return cached
