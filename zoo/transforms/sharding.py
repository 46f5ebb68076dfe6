"""Weight sharding: which axis of each weight is split over the devices of a `keras.distribution`.

Tensor parallelism: Shoeybi et al. 2019 (Megatron-LM), https://arxiv.org/abs/1909.08053, section 3: the kernels of
queries, keys, values, gate and up are split by columns, those of the output and down projections by rows, so that a
block needs two all-reduces. Fully sharded data parallelism (FSDP): Rajbhandari et al. 2020 (ZeRO),
https://arxiv.org/abs/1910.02054, section 5.3: every weight is split over the devices that split the batch.

An axis is chosen by what a layer is, and each variable is given its layout itself: there is no name to misspell.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from zoo.backend.keras_private import all_layers, own_variables, set_layout
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.transformer import FeedForward
from zoo.runtime.errors import UserError
from zoo.transforms.lazy import forget_weights

BATCH, MODEL = "batch", "model"  # names of the axes of a device mesh
LARGEST_REPLICA = 4 * 2**20  # bytes of a kernel that may be whole on each device
COLUMNS, ROWS = (-1, -2), (0, -1)  # axes of a kernel in the order of preference
PARALLEL = (  # (layer, attributes of its column-parallel dense layers, attributes of its row-parallel ones)
    (MultiHeadAttention, ("query", "key", "value"), ("out",)),
    (FeedForward, ("gate", "up"), ("down",)),
)
TABLES = (keras.layers.Embedding,)  # split over the vocabulary, else over the width


def build_sharded(build: Callable[[], keras.Model]) -> keras.Model:
    """The model that `build()` returns, with each weight created on the devices that hold a part of it.

    Without a current `keras.distribution` it is `build()`. Raises UserError as `shard_weights`.
    """
    if keras.distribution.distribution() is None:
        return build()
    with keras.StatelessScope():  # weights are created at its end
        model = build()
        try:
            shard_weights(model)
        except UserError:
            forget_weights(model)
            raise
    return model


def shard_weights(model: keras.Model) -> None:
    """Split the weights of a model over the devices of the current `keras.distribution`, if it splits weights.

    Raises UserError for a kernel of more than 4 MB that no number of devices of the mesh divides.
    """
    distribution = keras.distribution.distribution()
    if not isinstance(distribution, keras.distribution.ModelParallel):
        return
    mesh = distribution.device_mesh
    name = mesh.axis_names[-1]
    devices = mesh.shape[-1]
    for weight, axis in weight_axes(model, devices, tensor_parallel=name == MODEL):
        if axis is None:
            _check_replica(weight, devices, name)
            continue
        axes = [None] * len(weight.shape)
        axes[axis] = name
        set_layout(weight, keras.distribution.TensorLayout(axes, mesh))


def _check_replica(weight, devices, name):
    size = math.prod(weight.shape) * np.dtype(keras.backend.standardize_dtype(weight.dtype)).itemsize
    if len(weight.shape) < 2 or size <= LARGEST_REPLICA or devices == 1:
        return
    fewer = next(n for n in range(devices - 1, 0, -1) if any(length % n == 0 for length in weight.shape))
    mode, hint = ("model", f"training.model_devices={fewer}") if name == MODEL else ("fsdp", f"{fewer} devices")
    raise UserError(
        f"Expected weights above 4 MB to divide among {devices} devices with training.distribute={mode}. Received: "
        f"{weight.path} of shape {tuple(weight.shape)}, {size / 1e6:.1f} MB. Use {hint if fewer > 1 else 'other sizes'}"
        ", or training.distribute=data, which has all weights on each device."
    )


def weight_axes(model: keras.Model, devices: int, tensor_parallel: bool) -> list[tuple[keras.Variable, int | None]]:
    """(weight, axis that is split, or None) of each weight of a model once.

    An axis that `devices` does not divide is not split: the next one is, or none.

    Args:
        devices: among which a weight is split.
        tensor_parallel: whether the axis depends on the layer, as in Megatron-LM; else it is the longest one.
    """
    preferences = _preferences(model) if tensor_parallel else _longest_first(model)
    return [(weight, _axis(weight, axes, devices)) for weight, axes in preferences]


def _axis(weight, axes, devices):
    rank = len(weight.shape)
    candidates = (axis % rank for axis in axes if -rank <= axis < rank)
    return next((axis for axis in candidates if weight.shape[axis] % devices == 0), None)


def _longest_first(model) -> Iterable[tuple[Any, tuple]]:
    """(weight, its axes, the longest first); vectors, such as biases, are not split."""
    for weight in _unique(weight for layer in all_layers(model) for weight in own_variables(layer)):
        rank = len(weight.shape)
        yield weight, tuple(sorted(range(rank), key=lambda axis: -weight.shape[axis])) if rank > 1 else ()


def _preferences(model) -> list[tuple[Any, tuple]]:
    """(weight, the axes along which it may be split, in the order of preference)."""
    layers, axes_of = all_layers(model), {}
    for layer in layers:
        for kind, columns, rows in PARALLEL:
            if isinstance(layer, kind):
                inner = {name: getattr(layer, name, None) for name in (*columns, *rows)}
                axes_of |= {id(dense): ROWS if name in rows else COLUMNS for name, dense in inner.items()}
    pairs = [
        (weight, _axes(layer, weight, axes_of.get(id(layer)))) for layer in layers for weight in own_variables(layer)
    ]
    first = {id(weight): axes for weight, axes in reversed(pairs)}
    return [(weight, first[id(weight)]) for weight in _unique(weight for weight, _ in pairs)]


def _axes(layer, weight, axes):
    axes = axes or (ROWS if isinstance(layer, TABLES) else COLUMNS)
    if len(weight.shape) > 1:
        return axes
    is_bias = hasattr(layer, "kernel") and weight is getattr(layer, "bias", None)
    return COLUMNS if is_bias and axes is COLUMNS else ()  # a bias is split as the columns that it is added to


def _unique(weights):
    return list({id(weight): weight for weight in weights}.values())
