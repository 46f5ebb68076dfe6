"""Resize the vocabulary of a network: the embedding of a new token is the mean of the old ones.

A new token is then neither likely nor unlikely, and changes the probabilities of old tokens little: Hewitt 2021,
https://www.cs.columbia.edu/~johnhew/vocab-expansion.html
"""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np

from zoo.architectures import Architecture
from zoo.transforms.lazy import shapes


def resize_vocabulary(
    build: Callable[[Architecture], keras.Model], architecture: Architecture, model: keras.Model, first: int, last: int
) -> keras.Model:
    """The model that `build(architecture)` builds, with the weights of `model` and the mean embedding for each new id.

    Args:
        architecture: its vocabulary has at least `last` ids.
        model: the same network with fewer ids, or with as many, some of them unused.
        first, last: the new ids are those from `first` up to `last`, exclusive.
    """
    larger = shapes(lambda: build(replace(architecture, vocabulary=architecture.vocabulary + 1)))
    resized = build(architecture)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in model.weights}
    for weight in resized.weights:
        sizes = enumerate(zip(weight.shape, larger[weight.path], strict=True))
        axis = next((i for i, (old, new) in sizes if old != new), None)  # the axis of the vocabulary, if any
        array = arrays[weight.path]
        weight.assign(array if axis is None else _with_means(array, axis, weight.shape[axis], first, last))
    return resized


def _with_means(array, axis, size, first, last):
    """An array with means at indices from `first` up to `last` of an axis, which becomes `size` long."""
    rows = np.moveaxis(array, axis, 0)
    after = rows[last - (size - len(rows)) :]  # rows that follow the vocabulary, such as n-grams
    mean = np.broadcast_to(rows[:first].mean(0), (last - first, *rows.shape[1:]))
    return np.moveaxis(np.concatenate([rows[:first], mean, after]), 0, axis)
