"""Gradient checkpointing on TensorFlow, of functions without variables."""

from collections.abc import Callable

import tensorflow as tf


def remat(function: Callable) -> Callable:
    """`function` computed again in the backward pass, as in `zoo/backend/jax.py`.

    `tf.recompute_grad` does so too, but warns of each argument that is no float.
    """

    def run(*arguments):
        structures = []

        @tf.custom_gradient
        def recomputed(*tensors):
            def forward(tensors):
                outputs = function(*tf.nest.pack_sequence_as(arguments, tensors))
                structures.append(outputs)
                return tf.nest.flatten(outputs)

            return forward(tensors), lambda *gradients: _backward(forward, tensors, gradients)

        outputs = recomputed(*(tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(arguments)))
        return tf.nest.pack_sequence_as(structures[0], outputs)

    return run


def _backward(forward, tensors, gradients):
    """The gradients of the tensors, with the outputs computed anew once the `gradients` of these are known."""
    with tf.control_dependencies([gradient for gradient in gradients if gradient is not None]):
        tensors = [tf.identity(tensor) for tensor in tensors]  # else TensorFlow would keep the first results
    floats = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(floats)
        outputs = forward(tensors)
    pairs = [(y, dy) for y, dy in zip(outputs, gradients, strict=True) if y.dtype.is_floating and dy is not None]
    ys, dys = zip(*pairs, strict=True)
    zero = tf.UnconnectedGradients.ZERO
    by_id = dict(zip(map(id, floats), tape.gradient(ys, floats, dys, unconnected_gradients=zero), strict=True))
    return [tf.convert_to_tensor(by_id[id(tensor)]) if id(tensor) in by_id else None for tensor in tensors]
