"""Networks with vectors for new tokens: the mean of those that were there.

Such a token is neither likely nor unlikely at first, and changes the chances of the others little: Hewitt 2021,
https://www.cs.columbia.edu/~johnhew/vocab-expansion.html
"""

from dataclasses import replace

import keras
import numpy as np

from zoo.transforms.lazy import shapes


def grow(draw, architecture, model, first, last):
    """What `draw(architecture)` draws, with the weights of `model` and a mean for each id from `first` up to `last`.

    Args:
        architecture: with room for `last` ids.
        model: the same with fewer, or as many of which some had no token.
    """
    with_one_more = shapes(lambda: draw(replace(architecture, vocabulary=architecture.vocabulary + 1)))
    grown = draw(architecture)
    given = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in model.weights}
    for weight in grown.weights:
        pairs = enumerate(zip(weight.shape, with_one_more[weight.path], strict=True))
        axis = next((i for i, (size, more) in pairs if size != more), None)
        array = given[weight.path]
        weight.assign(array if axis is None else _widened(array, axis, weight.shape[axis], first, last))
    return grown


def _widened(array, axis, size, first, last):
    """An array with means in the places from `first` up to `last` of an axis, which becomes `size` long."""
    rows = np.moveaxis(array, axis, 0)
    rest = rows[last - (size - len(rows)) :]  # such as of n-grams, whose ids follow
    mean = np.broadcast_to(rows[:first].mean(0), (last - first, *rows.shape[1:]))
    return np.moveaxis(np.concatenate([rows[:first], mean, rest]), 0, axis)
