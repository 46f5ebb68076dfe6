"""What the zoo asks of TensorFlow beyond `keras.ops`."""

from functools import partial

import tensorflow as tf

sigmoid, tanh, transpose, concatenate = tf.sigmoid, tf.tanh, tf.transpose, partial(tf.concat, axis=-1)


def split(array, parts):
    """An array cut into equal parts along its last axis."""
    return tf.split(array, parts, axis=-1)


def seed(number):
    """Seed TensorFlow's global generator."""
    tf.random.set_seed(number)


def random_state():
    """Global random state as {name: array}: Keras draws statelessly, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays.

    Args:
        signature: one such item; Keras would take the first two batches' lengths for everlasting, so every axis is
            declared free here.
    """
    spec = tf.nest.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), signature)
    return tf.data.Dataset.from_generator(stream, output_signature=spec).prefetch(2)


def scan(step, state, inputs, reverse=False):
    """Run `state, outputs = step(state, slices)` along axis 0 of the `inputs`: the last state and stacked outputs."""
    length = tf.shape(inputs[0])[0]

    def body(done, state, stacks):
        at = length - 1 - done if reverse else done
        state, outputs = step(state, tuple(array[at] for array in inputs))
        return done + 1, state, tuple(stack.write(at, out) for stack, out in zip(stacks, outputs, strict=True))

    stacks = tuple(tf.TensorArray(array.dtype, length, element_shape=array.shape) for array in state)
    _, state, stacks = tf.while_loop(lambda done, *_: done < length, body, (0, state, stacks))
    return state, tuple(stack.stack() for stack in stacks)


def differentiable(forward, backward):
    """A function with a gradient of its own: `outputs, kept = forward(*arrays)`, `backward(kept, gradients)`."""

    @tf.custom_gradient
    def run(*arrays):
        outputs, kept = forward(*arrays)
        return outputs, lambda *gradients: backward(kept, gradients)

    return lambda *arrays: run(*map(tf.convert_to_tensor, arrays))  # it would not take variables
