"""zoo: deep learning for natural language in Keras 3, from a text file to a SavedModel that answers raw strings.

The public names are fetched when first used, so that `zoo --help` need not wait for a framework.
"""

from importlib import import_module

_HOMES = {
    "Adapters": "adapters.switching",
    "Data": "presets",
    "LoRA": "presets",
    "Pipeline": "pipeline.pipeline",
    "Preset": "presets",
    "Training": "presets",
    "Tuning": "presets",
    "average": "training.model_soup",
    "build": "build",
    "import_model": "checkpoints.folder",
    "load": "pipeline.pipeline",
    "load_weights": "checkpoints.loading",
    "merge": "adapters.merging",
    "names": "catalog",
    "open_dataset": "data.opening",
    "train": "training.run",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(f"zoo.{_HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *__all__})
