"""Backend functions beyond `keras.ops`, with the same interface on JAX, TensorFlow and PyTorch.

A function is documented in `zoo/backend/jax.py`; the files of the other backends say only what differs there. No other
folder imports a framework, except `export/`, whose SavedModel is TensorFlow's.
"""

import importlib
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from zoo.backend.jax import *  # noqa: F403
    from zoo.backend.jax_processes import *  # noqa: F403

Tensor = Any  # an array of the backend, or the `keras.KerasTensor` that stands for one in a graph
NAMES = (
    *("JIT_COMPILE", "has_accelerator", "seed", "random_state", "set_random_state", "fit_input", "AdamW", "lerp"),
    *("free_memory", "is_out_of_memory", "set_train_function", "accelerates_bfloat16"),
    *("linear", "linears", "conv1d", "dropout", "masked_max", "cross_entropy", "quantized_matmul"),
    *("sigmoid", "tanh", "sigmoid_gradient", "tanh_gradient", "split", "concatenate", "transpose"),
    *("scan", "while_loop", "custom_gradient", "value_and_gradients", "remat", "jit", "capture"),
    *("predict_function", "fused_recurrence"),
    *("attention", "cached_attention", "update_cache", "update_rows", "count_occurrences", "token_mask", "dynamic_max"),
)
PROCESS_NAMES = (  # documented in `zoo/backend/jax_processes.py`
    *("CANNOT_DISTRIBUTE", "join_processes", "process_count", "process_index", "device_counts"),
    *("share_text", "synchronize", "local_batch", "snapshot", "whole_weights"),
)
_module = importlib.import_module(f"zoo.backend.{keras.config.backend()}")
globals().update({name: getattr(_module, name) for name in NAMES})
_processes = importlib.import_module(
    f"zoo.backend.{'jax_processes' if keras.config.backend() == 'jax' else 'single_process'}"
)
globals().update({name: getattr(_processes, name) for name in PROCESS_NAMES})
