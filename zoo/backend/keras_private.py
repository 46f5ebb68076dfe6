"""Keras's private API: every private name that the package uses, each behind one function with a guard test.

A new version of Keras may rename or remove one; `tests/backend/test_keras_private.py` then fails and names it.
Six private hooks of optimizers are overridden elsewhere, by the classes that `HOOKS` lists.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.backend.common.masking import get_keras_mask
from keras.src.backend.common.variables import AutocastScope

DENSE_KERNEL = "_kernel"  # the attribute in which `keras.layers.Dense` keeps its kernel
VALUE = "_value"  # the attribute of a variable with its array; None: it has no value yet
EMBEDDINGS = "_embeddings"  # the attribute in which `keras.layers.Embedding` keeps its table
HOOKS = {  # file with a subclass of an optimizer: methods of Keras that the subclass overrides
    "backend/jax_optimizer.py": (
        "_backend_apply_gradients",  # (grads, trainable_variables): one batch, on JAX
    ),
    "backend/torch_optimizer.py": (
        "_backend_apply_gradients",  # (grads, trainable_variables): one batch
        "_parallel_update_step",  # (grads, variables, learning_rate): one step of the weights, on torch
        "_clip_gradients",  # (grads): the clipped gradients
    ),
    "training/optimizer.py": (
        "_backend_update_step",  # (grads, trainable_variables, learning_rate): one step, on any backend
        "_apply_weight_decay",  # (variables): decoupled weight decay
        "_update_model_variables_moving_average",  # (trainable_variables): one step of the EMA
    ),
}


def run_graph(model: keras.Model, tensors: list, call: Callable) -> Any:
    """The outputs of a functional model's graph, with another call in place of each layer's.

    `keras.models.clone_model` takes a `call_function` too, but refuses further inputs and runs on symbols only.

    Args:
        tensors: one for each of `model.inputs`.
        call: `call(layer)` returns the function that is called with the layer's arguments.
    """
    return model._run_through_graph(tensors, operation_fn=call)


def implicit_mask(tensor: Any) -> Any:
    """Keras's implicit mask of a tensor, (batch, time) booleans, or None: see `Layer.compute_mask`."""
    return get_keras_mask(tensor)


def all_layers(model: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A model or a layer and all layers within, at any depth; `keras.Model.layers` holds those of the first level."""
    return list(model._flatten_layers())


def own_trainable_variables(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The trainable variables that a layer created itself, without those of layers within."""
    return list(layer._trainable_variables)


def own_variables(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The variables that a layer created itself, without its seeds and without those of layers within."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def set_layout(variable: keras.Variable, layout: Any) -> None:
    """Set the `keras.distribution.TensorLayout` of a variable, and move its value, if it has one, to the devices."""
    variable._layout = layout
    value = getattr(variable, VALUE)
    if value is not None:
        variable._direct_assign(value)


@contextmanager
def replaced_values(variables: Sequence[keras.Variable], values: Sequence[Any]) -> Iterator[None]:
    """Within the block variables have other values, such as NumPy arrays, which are not moved to any device."""
    before = [getattr(variable, VALUE) for variable in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            setattr(variable, VALUE, value)
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            setattr(variable, VALUE, value)


def set_initializer(variable: keras.Variable, initializer: Callable) -> None:
    """Replace the initializer of a variable that has no value yet, because it was created in a `keras.StatelessScope`.

    Args:
        initializer: `initializer(shape, dtype=None)` returns an array.
    """
    variable._initializer = initializer


def forget_uninitialized() -> None:
    """Forget the variables without a value, which Keras would initialise at the end of a `keras.StatelessScope`."""
    global_state.set_global_attribute("uninitialized_variables", [])


def autocasts(variable: keras.Variable) -> bool:
    """Whether a layer's mixed-precision policy casts the variable to its compute dtype."""
    return variable._autocast


def autocast_scope(layer: keras.layers.Layer) -> AbstractContextManager:
    """Within the block a layer's weights have the compute dtype of its mixed-precision policy, as in a call."""
    return AutocastScope(layer.compute_dtype)


@contextmanager
def unlock_layer(layer: keras.layers.Layer) -> Iterator[None]:
    """Within the block a built layer may be given further weights and layers, as in Keras's own `enable_lora`."""
    layer._tracker.unlock()
    try:
        yield
    finally:
        layer._tracker.lock()


def remove_layer(layer: keras.layers.Layer, name: str) -> None:
    """Remove the inner layer in attribute `name` from a built layer."""
    inner = getattr(layer, name)
    delattr(layer, name)
    with unlock_layer(layer):
        layer._tracker.untrack(inner)


def remove_weight(layer: keras.layers.Layer, name: str) -> None:
    """Set the weight in attribute `name` of a built layer to None, and release its memory."""
    with unlock_layer(layer):
        layer._untrack_variable(getattr(layer, name))
        super(keras.Layer, layer).__delattr__(name)  # TensorFlow's deletion; Keras's own collects garbage each time
        setattr(layer, name, None)


def uses_weight_decay(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> bool:
    """Whether weight decay applies to a variable: see `exclude_from_weight_decay`."""
    return optimizer._use_weight_decay(variable)


def moving_averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The exponential moving averages (EMA) of an optimizer with `use_ema`, in the order of the trainable variables."""
    return optimizer._model_variables_moving_average


def completes_step(optimizer: keras.optimizers.Optimizer) -> Any:
    """Whether this batch ends an optimizer step: of gradient accumulation, the last batch only. A boolean tensor."""
    return (optimizer._iterations + 1) % (optimizer.gradient_accumulation_steps or 1) == 0


def batch_count(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """The number of batches that an optimizer has been given; `iterations` counts its steps."""
    return optimizer._iterations


def accumulators(optimizer: keras.optimizers.Optimizer, variables: list) -> list[keras.Variable]:
    """The sums of gradients, of gradient accumulation, of some trainable variables, in their order."""
    return [optimizer._accumulated_gradients[optimizer._get_variable_index(variable)] for variable in variables]


def update_weights(optimizer: keras.optimizers.Optimizer, gradients: list, variables: list) -> None:
    """One step of an optimizer: clipping, weight decay, the step itself and the moving average, if it keeps one."""
    gradients = optimizer._clip_gradients(gradients)
    optimizer._apply_weight_decay(variables)
    optimizer._backend_update_step(gradients, variables, optimizer.learning_rate)
    if optimizer.use_ema:
        optimizer._update_model_variables_moving_average(variables)


def adam_moments(optimizer: keras.optimizers.Optimizer, variables: list) -> tuple[list, list]:
    """Adam's (first moments, second moments) of some trainable variables, Keras variables in their order."""
    indices = [optimizer._get_variable_index(variable) for variable in variables]
    return [optimizer._momentums[i] for i in indices], [optimizer._velocities[i] for i in indices]


@contextmanager
def without_tensorflow() -> Iterator[None]:
    """Within the block Keras takes TensorFlow for not installed, unless it is imported already.

    Keras imports it to compare values with `tf.TensorShape` while it saves a model, which takes 0.5 GB and seconds.
    """
    from keras.src.utils.module_utils import tensorflow

    before = tensorflow._available
    if "tensorflow" not in sys.modules:
        tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = before


def torch_adamw() -> type:
    """The class whose instances `keras.optimizers.AdamW(...)` makes on torch, which can be subclassed."""
    from keras.src.backend.torch.optimizers.torch_adamw import AdamW

    return AdamW
