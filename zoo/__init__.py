"""zoo: deep learning for natural language in Keras 3, from a text file to a SavedModel that answers raw strings.

The public names are imported on first use, so that `zoo --help` need not wait for a framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.runtime.keras_import import after_keras_import

if TYPE_CHECKING:
    from zoo.adapters.merging import merge
    from zoo.adapters.switching import Adapters
    from zoo.architectures import Architecture
    from zoo.build import build
    from zoo.catalog import names
    from zoo.checkpoints.loading import load_weights
    from zoo.course._run import run_experiment
    from zoo.data.opening import open_dataset
    from zoo.importing import import_model
    from zoo.objectives import Objective
    from zoo.pipeline.model_folder import load
    from zoo.pipeline.pipeline import Pipeline
    from zoo.presets import Data, LoRA, Preset, Training, Tuning
    from zoo.readers import Reader
    from zoo.registration import register
    from zoo.runtime.errors import UserError
    from zoo.serving.http.server import serve
    from zoo.tokenizers import TokenizerSpec
    from zoo.training.comparison import compare
    from zoo.training.model_soup import average
    from zoo.training.run import train
    from zoo.training.search import search

_MODULES = {  # public name -> the module of zoo that defines it
    "Adapters": "adapters.switching",
    "Architecture": "architectures",
    "Data": "presets",
    "LoRA": "presets",
    "Objective": "objectives",
    "Pipeline": "pipeline.pipeline",
    "Preset": "presets",
    "Reader": "readers",
    "TokenizerSpec": "tokenizers",
    "Training": "presets",
    "Tuning": "presets",
    "UserError": "runtime.errors",
    "average": "training.model_soup",
    "build": "build",
    "compare": "training.comparison",
    "import_model": "importing",
    "load": "pipeline.model_folder",
    "load_weights": "checkpoints.loading",
    "merge": "adapters.merging",
    "names": "catalog",
    "open_dataset": "data.opening",
    "register": "registration",
    "run_experiment": "course._run",
    "search": "training.search",
    "serve": "serving.http.server",
    "train": "training.run",
}
__all__ = [
    "Adapters",
    "Architecture",
    "Data",
    "LoRA",
    "Objective",
    "Pipeline",
    "Preset",
    "Reader",
    "TokenizerSpec",
    "Training",
    "Tuning",
    "UserError",
    "average",
    "build",
    "compare",
    "import_model",
    "load",
    "load_weights",
    "merge",
    "names",
    "open_dataset",
    "register",
    "run_experiment",
    "search",
    "serve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    value = getattr(import_module(f"zoo.{_MODULES[name]}"), name)
    globals()[name] = value  # importing the module zoo.build has set `zoo.build` to the module
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _register_layers() -> None:
    import_module("zoo.registration").register_layers()


after_keras_import(_register_layers)  # `import zoo` is enough for `keras.saving.load_model`
