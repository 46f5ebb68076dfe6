"""The same few functions for the backend that Keras runs on: the only files that import a framework."""

import importlib

import keras

NAMES = (
    *("COMPILE", "seed", "random_state", "set_random_state", "feed"),
    *("affine", "convolve", "leave_out", "largest", "AdamW"),
    *("sigmoid", "tanh", "sigmoid_gradient", "tanh_gradient", "split", "concatenate", "transpose"),
    *("scan", "differentiable", "fused_recurrence", "attend", "occurrences", "cross_entropy"),
    *("write", "recall", "compiled", "captured", "repeat", "marked", "most", "product"),
)
_module = importlib.import_module(f"zoo.backend.{keras.config.backend()}")
globals().update({name: getattr(_module, name) for name in NAMES})
