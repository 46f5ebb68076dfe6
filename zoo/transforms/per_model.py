"""Memoisation per model: results are cached, by weak references, for as long as the model lives."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary


def per_model(build: Callable) -> Callable:
    """Cache `build(model)` or `build(model, other)`, where `other` is a second model or a function, while both live.

    The result must not hold the model itself, else neither is freed; it may hold the model's layers.
    """
    cache: WeakKeyDictionary = WeakKeyDictionary()

    @wraps(build, updated=())
    def cached(model: Any, *other: Any) -> Any:
        results, key = cache.setdefault(model, WeakKeyDictionary()), other[0] if other else model
        if key not in results:
            results[key] = build(model, *other)
        return results[key]

    return cached
