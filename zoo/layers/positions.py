"""Where a token stands: added to its vector, or turned into its queries and keys.

Every layer takes an optional `positions`, (batch, time) integers, for texts that share a row; without it the tokens of
a row count from 0, or go on from where its `cache` (see `zoo.layers.cache`) ends.
"""

import keras
import numpy as np
from keras import ops

from zoo.runtime.errors import UserError

BASE = 10_000.0  # Vaswani et al. 2017, section 3.5
ROPE_THETA = 10_000.0  # Su et al. 2021, section 3.2.2
TRAINED = 8192  # tokens of a text that Llama 3 was first trained on


@keras.saving.register_keras_serializable(package="zoo")
class SinusoidalPositions(keras.layers.Layer):
    """Adds sines and cosines of the position to (batch, time, width) vectors.

    Number 2i is sin(position / base ** (2i / width)) and number 2i + 1 the cosine of the same: Vaswani et al. 2017,
    section 3.5, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, base=BASE, **kwargs):
        super().__init__(**kwargs)
        self.base = base

    def call(self, x, positions=None, cache=None):
        angles = _angles(_positions(x, positions, cache), x.shape[-1], self.base)
        table = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
        table = ops.reshape(table, (*ops.shape(angles)[:2], 2 * angles.shape[-1]))[..., : x.shape[-1]]
        return x + ops.cast(table, x.dtype)

    def compute_output_spec(self, x, positions=None):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class LearnedPositions(keras.layers.Layer):
    """Adds a learned vector for each of `length` positions to (batch, time, width) vectors.

    Gehring et al. 2017, section 3.1, https://arxiv.org/abs/1705.03122. Raises UserError for a longer text where its
    length is known when the network is drawn or called; positions beyond the table elsewhere get its last vector.
    """

    def __init__(self, length, offset=0, **kwargs):
        super().__init__(**kwargs)
        self.length = length
        self.offset = offset  # rows of the table before that of the first position: 2 in RoBERTa and BART

    def build(self, x_shape, positions_shape=None):
        initializer = keras.initializers.RandomNormal(stddev=0.02)  # as BERT and GPT-2 do
        self.table = self.add_weight((self.offset + self.length, x_shape[-1]), initializer=initializer, name="table")

    def call(self, x, positions=None, cache=None):
        self._check(x, positions)
        rows = self.offset + ops.minimum(_positions(x, positions, cache), self.length - 1)
        return x + ops.take(self.table, rows, axis=0)

    def compute_output_spec(self, x, positions=None):
        self._check(x, positions)
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def _check(self, x, positions):
        time = x.shape[1] if positions is None else None
        if time is not None and time > self.length:
            raise UserError(
                f"A text is longer than the table of learned positions. Received: {time} tokens, length={self.length}. "
                "Cut texts to that length (the objective's `length`), or give the architecture a greater one."
            )


@keras.saving.register_keras_serializable(package="zoo")
class RotaryPositions(keras.layers.Layer):
    """Turns each pair of numbers of (batch, time, heads, width) queries or keys by an angle that grows with position.

    Su et al. 2021, equation 34, https://arxiv.org/abs/2104.09864. Number i pairs with number i + width / 2, as in
    GPT-NeoX and Llama. With a `factor` above 1 slow turns are that much slower, so that texts may be longer than the
    8192 tokens that Llama 3 first learned from. Raises UserError where width is odd.
    """

    def __init__(self, rope_theta=ROPE_THETA, rope_scaling=1.0, **kwargs):
        super().__init__(**kwargs)
        self.rope_theta = rope_theta
        self.rope_scaling = rope_scaling

    def build(self, x_shape, positions_shape=None):
        if x_shape[-1] % 2:
            raise UserError(f"Rotary positions need an even head width. Received: {x_shape[-1]}.")

    def call(self, x, positions=None):
        angles = _angles(_positions(x, positions), x.shape[-1], self.rope_theta, self.rope_scaling)[:, :, None]
        cosine, sine = ops.cos(angles), ops.sin(angles)
        first, second = ops.split(ops.cast(x, "float32"), 2, axis=-1)
        turned = ops.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
        return ops.cast(turned, x.dtype)

    def compute_output_spec(self, x, positions=None):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)


def _positions(x, positions, cache=None):
    """`positions`, those of a `cache`, or 0, 1, 2 ... for the only row of a (1, time) tensor."""
    if cache is not None:
        return cache.positions()
    return ops.arange(ops.shape(x)[1])[None] if positions is None else positions


def _angles(positions, width, base, factor=1.0):
    """Angles, (batch, time, ceil(width / 2)), in float32: half precision does not tell large positions apart."""
    rates = _slow(base ** (-np.arange(0, width, 2) / width), factor)
    return ops.cast(positions, "float32")[..., None] * ops.convert_to_tensor(rates, "float32")


def _slow(rates, factor):
    """Rates divided by `factor` where a turn takes more than 8192 tokens, kept where it takes less than a fourth of it.

    In between they pass from one to the other: Llama Team 2024, https://arxiv.org/abs/2407.21783, and its published
    configurations (low_freq_factor 1, high_freq_factor 4).
    """
    kept = np.clip((TRAINED * rates / (2 * np.pi) - 1) / (4 - 1), 0, 1)
    return rates * (kept + (1 - kept) / factor)
