"""A small untrained network of each architecture, with the first objective that it serves."""

import keras
from tiny import shrink

from zoo import catalog
from zoo.objectives import build_model

OBJECTIVES = {"classify_text": {"labels": ("a", "b", "c")}, "next_token": {}, "translate": {}}


def tiny_model(architecture):
    """A small network of an architecture with the first objective that it serves."""
    keras.utils.set_random_seed(0)
    for name, settings in OBJECTIVES.items():
        objective = catalog.load("objectives", name)(**settings)
        small = shrink(architecture)
        if not catalog.incompatibility(objective, small):
            return build_model(objective, small)
    raise AssertionError(architecture)
