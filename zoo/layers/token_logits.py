"""Token prediction: cross-entropy of tokens, BERT's masked-LM head, and gathering features at mask positions."""

from typing import Any

import keras
from keras import KerasTensor, ops
from keras.layers import Dense, LayerNormalization

from zoo import backend
from zoo.backend import Tensor
from zoo.layers.implicit_mask import PassesMask
from zoo.layers.transformer import ACTIVATIONS


@keras.saving.register_keras_serializable(package="zoo")
class TokenLoss(keras.losses.Loss):
    """Cross-entropy in nats of (..., classes) logits and (...,) integer classes.

    Args:
        smoothing: label smoothing: Szegedy 2016, https://arxiv.org/abs/1512.00567, section 7.

    >>> logits, ids = np.zeros((2, 3, 100), "float32"), np.array([[5, 7, 0], [9, 0, 0]])
    >>> round(float(layers.TokenLoss()(ids, logits, sample_weight=ids > 0)), 4)  # the mean over all positions
    2.3026
    """

    def __init__(self, smoothing: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.smoothing = smoothing

    def get_config(self) -> dict:
        return super().get_config() | {"smoothing": self.smoothing}

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The mean loss; Keras would first copy logits of 16 bits into 32."""
        logits, targets = ops.convert_to_tensor(y_pred), ops.cast(y_true, "int32")
        losses = backend.cross_entropy(logits, targets, self.smoothing)
        return super().__call__(y_true, losses, sample_weight)

    def call(self, y_true, y_pred):
        return y_pred  # the losses: `__call__` has computed them


@keras.saving.register_keras_serializable(package="zoo")
class TokenLosses(keras.layers.Layer):
    """Per-token cross-entropy in nats, (batch, time) float32, of (batch, time, vocabulary) logits.

    The loss of a label below 0 is not defined.

    >>> layers.TokenLosses()(keras.Input((5, 100)), keras.Input((5,), dtype="int32")).shape
    (None, 5)
    """

    def call(self, logits: Tensor, labels: Tensor) -> Tensor:
        return backend.cross_entropy(logits, ops.maximum(labels, 0))

    def compute_output_spec(self, logits, labels):
        return keras.KerasTensor(labels.shape, dtype="float32")


@keras.saving.register_keras_serializable(package="zoo")
class Correct(keras.layers.Layer):
    """Whether the most probable token is the label: (batch, time) booleans of (batch, time, vocabulary) logits.

    >>> layers.Correct()(keras.Input((5, 100)), keras.Input((5,), dtype="int32")).shape
    (None, 5)
    """

    def call(self, logits: Tensor, labels: Tensor) -> Tensor:
        return ops.equal(ops.cast(ops.argmax(logits, axis=-1), labels.dtype), labels)

    def compute_output_spec(self, logits, labels):
        return keras.KerasTensor(labels.shape, dtype="bool")


@keras.saving.register_keras_serializable(package="zoo")
class GatherPositions(keras.layers.Layer):
    """Gathers features: (batch, time, width) at (batch, positions) integers, to (batch, positions, width).

    >>> layers.GatherPositions()(keras.Input((5, 16)), keras.Input((2,), dtype="int32")).shape
    (None, 2, 16)
    """

    def call(self, x: Tensor, positions: Tensor) -> Tensor:
        return ops.take_along_axis(x, positions[..., None], axis=1)

    def compute_output_spec(self, x, positions):
        return keras.KerasTensor((*positions.shape, x.shape[-1]), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class Bias(PassesMask, keras.layers.Layer):
    """Adds a learned bias to the features.

    >>> layers.Bias()(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def build(self, x_shape):
        self.bias = self.add_weight((x_shape[-1],), initializer="zeros", name="bias")

    def call(self, x: Tensor) -> Tensor:
        return x + self.bias


def masked_lm_head(architecture: Any, backbone: keras.Model) -> tuple[KerasTensor, KerasTensor]:
    """BERT's masked-LM head: logits, (batch, positions, vocabulary), and the additional input `mask_positions`.

    Logits are computed at the mask positions only. Devlin 2018, https://arxiv.org/abs/1810.04805, and its released
    code: a dense layer with the activation of the network, a norm, the tied word vectors, a bias.
    """
    mask_positions = keras.Input((None,), dtype="int32", name="mask_positions")
    x = GatherPositions(name="masked")(backbone.output, mask_positions)
    activation = getattr(architecture, "activation", "gelu")
    x = Dense(x.shape[-1], activation=ACTIVATIONS.get(activation, activation), name="head_dense")(x)
    x = LayerNormalization(epsilon=getattr(architecture, "epsilon", 1e-12), name="head_norm")(x)
    x = architecture.logits(backbone, x)
    return (Bias(name="head_bias")(x) if architecture.tied else x), mask_positions
