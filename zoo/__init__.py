"""zoo: deep learning for natural language in Keras 3, from a text file to a SavedModel that answers raw strings.

The public names are fetched when first used, so that `zoo --help` need not wait for a framework.
"""

from importlib import import_module

_HOMES = {
    "Adapters": "adapters",
    "Data": "preset",
    "LoRA": "preset",
    "Pipeline": "pipeline",
    "Preset": "preset",
    "Training": "preset",
    "Tuning": "preset",
    "average": "averaging",
    "build": "building",
    "import_model": "weights",
    "load": "pipeline",
    "load_weights": "weights",
    "merge": "adapters",
    "names": "catalog",
    "open_dataset": "dataset",
    "train": "training",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(f"zoo.{_HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *__all__})
