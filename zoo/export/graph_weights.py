"""Weights inside an exported graph, in the precision in which a SavedModel stores them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from zoo.export.precision import StoredMatrix, stored_matrices


def store_weights(server: Any, model: keras.Model, precision: str) -> Callable[[], AbstractContextManager]:
    """Track a model's weights in an attribute of a `tf.Module`; returns a context in which the model reads them.

    The context is entered where the model is traced, within the innermost function: what stands outside of a function
    that batches requests is computed for each request.

    Args:
        server: the `tf.Module` that is exported.
        precision: one of `zoo.export.export_options.PRECISIONS`; float16 and int8 are dequantised in the graph.
    """
    import tensorflow as tf

    matrices = {id(variable): (variable, _constants(tf, m)) for variable, m in stored_matrices(model, precision)}
    # tf.Variables: were these Keras variables, a session (so a server too) would restore copies that the graph ignores
    server.weights = [variable.value for variable in model.variables if id(variable) not in matrices]
    server.matrices = [constants for _, constants in matrices.values()]

    def read() -> AbstractContextManager:
        values = [(variable, _dequantize(tf, *constants)) for variable, constants in matrices.values()]
        return keras.StatelessScope(values, initialize_variables=False)

    return read if matrices else nullcontext


def within(weights: Callable[[], AbstractContextManager], function: Callable) -> Callable:
    """A function of tensors that is traced in the context that `store_weights` returns."""

    def run(*tensors):
        with weights():
            return function(*tensors)

    return run


def _constants(tf, matrix: StoredMatrix):
    """The values, and of int8 the scales, as variables: constants would be part of the graph, of at most 2 GB."""
    arrays = [matrix.values] if matrix.scale is None else [matrix.values, matrix.scale]
    return [tf.Variable(array, trainable=False) for array in arrays]


def _dequantize(tf, values, scale=None):
    values = tf.cast(values, "float32")
    return values if scale is None else values * scale
