"""The one place that goes through a functional model's graph by hand, with Keras's one private call."""

from zoo.backend.keras_private import run_graph


def walk(model, inputs, call):
    """Go through the graph that `model` was drawn with, node by node, and return its outputs.

    So one drawing serves training, packed rows, decoding with a cache and views of attention alike.

    Args:
        model: a functional `keras.Model`.
        inputs: {name of an input: tensor}; symbolic ones draw a twin with the same weights.
        call: `call(layer, *args, **kwargs)` stands where `layer(*args, **kwargs)` stood in the drawing.
    """

    def step(layer):
        return lambda *args, **kwargs: call(layer, *args, **kwargs)

    return run_graph(model, [inputs[tensor.name] for tensor in model.inputs], step)
