"""Memoisation per model."""

import gc

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


def test_results_live_no_longer_than_their_model():
    calls = []

    @per_model
    def counted(model, other=None):
        calls.append(model.__class__)
        return Result(model, other)

    for _ in range(3):
        model = Model()
        counted(model)
        del model
        gc.collect()
    assert len(calls) == 3
    assert not next(cell.cell_contents for cell in counted.__closure__ if hasattr(cell.cell_contents, "keyrefs"))
