"""Memoisation per model: results are cached in the model itself, so that both are freed together."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

CACHE = "__zoo_cache__"  # Keras saves no attribute whose name begins with two underscores


def cache_of(model: Any) -> dict[Any, Any]:
    """The cache of a model, which may hold what refers to the model, such as its compiled functions.

    A `WeakKeyDictionary` of models would keep a model alive by such a value.
    """
    return model.__dict__.setdefault(CACHE, {})


def per_model(build: Callable) -> Callable:
    """Cache `build(model)` or `build(model, other)`, where `other` is a second model or a function, while both live."""

    @wraps(build, updated=())
    def cached(model: Any, *other: Any) -> Any:
        results, key = cache_of(model).setdefault(build, WeakKeyDictionary()), other[0] if other else model
        if key not in results:
            results[key] = build(model, *other)
        return results[key]

    return cached
