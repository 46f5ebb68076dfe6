"""Caches of what was made of a model."""

import gc

from zoo.transforms.per_model import per_model


class Model:
    pass


class Made:
    def __init__(self, model, other=None):
        self.names = type(model).__name__, type(other).__name__


made = per_model(Made)


def test_it_is_made_once_for_each_model_and_other():
    model, draft = Model(), Model()
    assert made(model) is made(model) is not made(draft)
    assert made(model, draft) is made(model, draft) is not made(model)
    assert made(model, draft) is not made(model, model.__class__)


def test_it_lives_no_longer_than_its_model():
    calls = []

    @per_model
    def counted(model, other=None):
        calls.append(model.__class__)
        return Made(model, other)

    for _ in range(3):
        model = Model()
        counted(model)
        del model
        gc.collect()
    assert len(calls) == 3
    assert not next(cell.cell_contents for cell in counted.__closure__ if hasattr(cell.cell_contents, "keyrefs"))
