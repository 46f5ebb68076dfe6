"""Memoisation per model."""

import gc
import weakref

from zoo.transforms.per_model import per_model


class Model:
    pass


class Result:
    def __init__(self, model, other=None):
        self.names = type(model).__name__, type(other).__name__


cached = per_model(Result)


def test_results_are_cached_for_each_model_and_other():
    model, draft = Model(), Model()
    assert cached(model) is cached(model) is not cached(draft)
    assert cached(model, draft) is cached(model, draft) is not cached(model)
    assert cached(model, draft) is not cached(model, model.__class__)


def test_a_model_and_its_results_are_freed_together():
    """Also where a result holds its model, as a compiled function does."""

    @per_model
    def hold(model, other=None):
        result = Result(model, other)
        result.model = model
        return result

    model = Model()
    references = [weakref.ref(model), weakref.ref(hold(model)), weakref.ref(hold(model, Result))]
    gc.collect()
    assert all(reference() is not None for reference in references)
    del model
    gc.collect()
    assert [reference() for reference in references] == [None] * 3
