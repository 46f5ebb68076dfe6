"""The one private call of Keras: this fails where Keras has changed it."""

import keras
import numpy as np
from keras import layers, ops

from zoo.transforms.graph import walk


def drawing():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    x = layers.Add(name="sum")([layers.Dense(4, name="dense")(a), b @ ops.ones((3, 4))])
    return keras.Model({"a": a, "b": b}, layers.Concatenate(name="both")([x, layers.ReLU(name="relu")(x)]))


def test_a_walk_computes_what_the_model_computes():
    model, seen = drawing(), []
    inputs = {name: ops.convert_to_tensor(np.random.default_rng(0).normal(size=(2, 3)), "float32") for name in "ab"}

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        return layer(*args, **kwargs)

    found, want = walk(model, inputs, call), model(inputs)
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(want), rtol=1e-6)
    assert {"dense", "sum", "relu", "both"} <= set(seen)


def test_a_walk_with_symbolic_tensors_draws_a_twin():
    model = drawing()
    inputs = {name: keras.Input((3,), name=name) for name in "ab"}
    twin = keras.Model(inputs, walk(model, inputs, lambda layer, *args, **kwargs: layer(*args, **kwargs)))
    assert [id(weight) for weight in twin.weights] == [id(weight) for weight in model.weights]
