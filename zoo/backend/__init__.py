"""The same few functions for the backend that Keras runs on: the only files that import a framework."""

import importlib

import keras

NAMES = (
    *("COMPILE", "seed", "random_state", "set_random_state", "feed"),
    *(
        "scan",
        "differentiable",
        "sigmoid",
        "tanh",
        "split",
        "concatenate",
        "transpose",
        "fused_recurrence",
        "attend",
        "occurrences",
    ),
)
_module = importlib.import_module(f"zoo.backend.{keras.config.backend()}")
globals().update({name: getattr(_module, name) for name in NAMES})
