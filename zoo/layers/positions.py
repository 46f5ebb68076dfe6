"""Position encodings: sinusoidal and learned ones, added to token vectors, and rotary ones of queries and keys (RoPE).

Every layer takes optional `positions`, (batch, time) integers, for examples that share a row; by default the tokens of
a row count from 0, or from where the layer's cache ends (see `zoo.layers.cache`).
"""

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.layers.cache import LayerCache
from zoo.layers.implicit_mask import PassesMask
from zoo.runtime.errors import UserError

BASE = 10_000.0  # Vaswani et al. 2017, section 3.5
ROPE_THETA = 10_000.0  # Su et al. 2021, section 3.2.2
ORIGINAL_CONTEXT = 8192  # tokens, the context length of Llama 3's pre-training


@keras.saving.register_keras_serializable(package="zoo")
class SinusoidalPositions(PassesMask, keras.layers.Layer):
    """Sinusoidal position encoding, added to (batch, time, width) vectors.

    Component 2i is sin(position / base ** (2i / width)) and component 2i + 1 the cosine of that angle: Vaswani
    et al. 2017, section 3.5, https://arxiv.org/abs/1706.03762.

    Args:
        base: of the wavelengths.

    >>> layers.SinusoidalPositions()(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def __init__(self, base: float = BASE, **kwargs):
        super().__init__(**kwargs)
        self.base = base

    def call(self, x: Tensor, positions: Tensor | None = None, cache: LayerCache | None = None) -> Tensor:
        angles = _angles(_positions(x, positions, cache), _frequencies(x.shape[-1], self.base))
        encoding = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
        encoding = ops.reshape(encoding, (*ops.shape(angles)[:2], 2 * angles.shape[-1]))[..., : x.shape[-1]]
        return x + ops.cast(encoding, x.dtype)

    def compute_output_spec(self, x, positions=None):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class LearnedPositions(PassesMask, keras.layers.Layer):
    """Learned position embedding, a vector for each of `length` positions, added to (batch, time, width) vectors.

    Gehring et al. 2017, section 3.1, https://arxiv.org/abs/1705.03122. Positions beyond the table get the last vector.

    Args:
        length: positions in the table.
        offset: rows of the table before that of the first position: 2 in RoBERTa and BART.

    Raises UserError for a text longer than the table, if the length is known when the layer is called.

    >>> layers.LearnedPositions(512)(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def __init__(self, length: int, offset: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.length = length
        self.offset = offset

    def build(self, x_shape, positions_shape=None):
        normal = keras.initializers.RandomNormal(stddev=0.02)  # as BERT and GPT-2 do
        shape = (self.offset + self.length, x_shape[-1])
        self.embeddings = self.add_weight(shape, initializer=normal, name="embeddings")

    def call(self, x: Tensor, positions: Tensor | None = None, cache: LayerCache | None = None) -> Tensor:
        self._check(x, positions)
        rows = self.offset + ops.minimum(_positions(x, positions, cache), self.length - 1)
        return x + ops.take(self.embeddings, rows, axis=0)

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
class RotaryPositions(PassesMask, keras.layers.Layer):
    """Rotary position embedding (RoPE): rotates pairs of components of (batch, time, heads, width) queries or keys.

    Su et al. 2021, equation 34, https://arxiv.org/abs/2104.09864. The angle grows with the position. Component
    i pairs with component i + width / 2, as in GPT-NeoX and Llama.

    Args:
        rope_theta: base of the frequencies.
        rope_scaling: factor by which low frequencies are divided, so that texts may be longer than the 8192 tokens of
            Llama 3's pre-training.

    Raises UserError for an odd width.

    >>> layers.RotaryPositions()(keras.Input((5, 4, 8))).shape
    (None, 5, 4, 8)
    """

    def __init__(self, rope_theta: float = ROPE_THETA, rope_scaling: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.rope_theta = rope_theta
        self.rope_scaling = rope_scaling

    def build(self, x_shape, positions_shape=None):
        if x_shape[-1] % 2:
            raise UserError(f"Rotary positions need an even head width. Received: {x_shape[-1]}.")

    def call(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        frequencies = _scale_frequencies(_frequencies(x.shape[-1], self.rope_theta), self.rope_scaling)
        angles = _angles(_positions(x, positions), frequencies)[:, :, None]
        cosine, sine = ops.cos(angles), ops.sin(angles)
        first, second = ops.split(ops.cast(x, "float32"), 2, axis=-1)
        rotated = ops.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
        return ops.cast(rotated, x.dtype)

    def compute_output_spec(self, x, positions=None):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)


def _positions(x, positions, cache=None):
    """`positions`, those of a `LayerCache`, or 0, 1, 2 ... as (1, time)."""
    if cache is not None:
        return cache.positions()
    return ops.arange(ops.shape(x)[1])[None] if positions is None else positions


def _frequencies(width, base):
    return base ** (-np.arange(0, width, 2) / width)


def _angles(positions, frequencies):
    """Angles, (batch, time, frequencies), in float32: half precision cannot tell large positions apart."""
    return ops.cast(positions, "float32")[..., None] * ops.convert_to_tensor(frequencies, "float32")


def _scale_frequencies(frequencies, scaling):
    """Frequencies divided by `scaling` for wavelengths above 8192 tokens, unchanged below a fourth of that.

    In between they are interpolated: Llama Team 2024, https://arxiv.org/abs/2407.21783, and its published
    configurations (low_freq_factor 1, high_freq_factor 4).
    """
    ramp = np.clip((ORIGINAL_CONTEXT * frequencies / (2 * np.pi) - 1) / (4 - 1), 0, 1)
    return frequencies * (ramp + (1 - ramp) / scaling)
