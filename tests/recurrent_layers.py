"""Small recurrent layers and padded inputs for their tests."""

import numpy as np
from keras import ops

from zoo.layers.recurrent import cells

LENGTHS = (7, 4, 1)
CELLS = ("RNN", "LSTM", "GRU")
CLOSE = {"rtol": 1e-5, "atol": 1e-5}

PADDING_MASK = np.arange(7)[None] < np.array(LENGTHS)[:, None]
X = np.random.default_rng(0).normal(size=(3, 7, 5)).astype("float32")


def layer(cell, width=5, **settings):
    rnn = getattr(cells, cell)(6, **settings)
    rnn.build((None, None, width))
    random = np.random.default_rng(1)
    for weight in rnn.weights:
        weight.assign(random.normal(scale=0.4, size=weight.shape))
    return rnn


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def weights(rnn):
    return [numpy(weight) for weight in rnn.weights]
