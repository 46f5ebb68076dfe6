"""Token ids for a decoder that reads a text again, as in the classifiers of BART and T5: shift, and mask of an id."""

from typing import Any

import keras
from keras import ops

from zoo.backend import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class ShiftRight(keras.layers.Layer):
    """Shifts token ids to the right: (batch, time) ids to the same shape, a start id first and without the last id.

    `shift_tokens_right` of the released code of BART (Lewis et al. 2019, section 3.1, https://arxiv.org/abs/1910.13461:
    the decoder of a classifier reads the text of the encoder).

    Args:
        start: the id before each text.

    >>> keras.ops.convert_to_numpy(layers.ShiftRight(2)(np.array([[5, 7, 9]]))).tolist()
    [[2, 5, 7]]
    """

    def __init__(self, start: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def call(self, tokens: Tensor) -> Tensor:
        return ops.concatenate([ops.full_like(tokens[:, :1], self.start), tokens[:, :-1]], axis=1)

    def compute_output_spec(self, tokens):
        return keras.KerasTensor(tokens.shape, dtype=tokens.dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"start": self.start}


@keras.saving.register_keras_serializable(package="zoo")
class TokenMask(keras.layers.Layer):
    """Mask of the tokens with an id: (batch, time) ids to booleans.

    Args:
        token: the id.

    >>> keras.ops.convert_to_numpy(layers.TokenMask(2)(np.array([[5, 2, 9]]))).tolist()
    [[False, True, False]]
    """

    def __init__(self, token: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.token = token

    def call(self, tokens: Tensor) -> Tensor:
        return ops.equal(tokens, self.token)

    def compute_output_spec(self, tokens):
        return keras.KerasTensor(tokens.shape, dtype="bool")

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"token": self.token}
