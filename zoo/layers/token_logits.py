"""What objectives that predict tokens share: their loss, a head on a few places, a twin that scores."""

import keras
from keras import ops
from keras.layers import Dense, LayerNormalization

from zoo import backend


@keras.saving.register_keras_serializable(package="zoo")
class TokenLoss(keras.losses.Loss):
    """Cross-entropy in nats of (..., classes) logits where (...,) integer classes are right.

    `smoothing`: Szegedy 2016, https://arxiv.org/abs/1512.00567, section 7.
    """

    def __init__(self, smoothing=0.0, **kwargs):
        super().__init__(**kwargs)
        self.smoothing = smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The mean loss; Keras would first copy logits of 16 bits into 32."""
        logits, targets = ops.convert_to_tensor(y_pred), ops.cast(y_true, "int32")
        losses = backend.cross_entropy(logits, targets, self.smoothing)
        return super().__call__(y_true, losses, sample_weight)

    def call(self, y_true, y_pred):
        return y_pred  # they are losses already


@keras.saving.register_keras_serializable(package="zoo")
class TokenLosses(keras.layers.Layer):
    """The cross-entropy in nats of each token, (batch, time) float32, of (batch, time, vocabulary) logits.

    Where `right` is below 0 there is none, and what comes back means nothing.
    """

    def call(self, logits, right):
        return backend.cross_entropy(logits, ops.maximum(right, 0))

    def compute_output_spec(self, logits, right):
        return keras.KerasTensor(right.shape, dtype="float32")


@keras.saving.register_keras_serializable(package="zoo")
class Correct(keras.layers.Layer):
    """Whether the likeliest token is the right one: (batch, time) booleans of (batch, time, vocabulary) logits."""

    def call(self, logits, right):
        return ops.equal(ops.cast(ops.argmax(logits, axis=-1), right.dtype), right)

    def compute_output_spec(self, logits, right):
        return keras.KerasTensor(right.shape, dtype="bool")


@keras.saving.register_keras_serializable(package="zoo")
class GatherPositions(keras.layers.Layer):
    """The features at a few places: (batch, time, width) and (batch, places) integers to (batch, places, width)."""

    def call(self, x, places):
        return ops.take_along_axis(x, places[..., None], axis=1)

    def compute_output_spec(self, x, places):
        return keras.KerasTensor((*places.shape, x.shape[-1]), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="zoo")
class Bias(keras.layers.Layer):
    """Adds a learned number to each of the features."""

    def build(self, x_shape):
        self.bias = self.add_weight((x_shape[-1],), initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias


def masked_lm_head(architecture, backbone):
    """Draw BERT's masked-token head: (batch, places, vocabulary) logits, and the input `places`.

    Only what is masked meets the vocabulary. Devlin 2018, https://arxiv.org/abs/1810.04805, and its released code: a
    dense layer, a norm, the word vectors where they are tied, a bias.
    """
    places = keras.Input((None,), dtype="int32", name="mask_positions")
    x = GatherPositions(name="masked")(backbone.output, places)
    x = Dense(x.shape[-1], activation="gelu", name="head_dense")(x)
    x = LayerNormalization(epsilon=getattr(architecture, "epsilon", 1e-12), name="head_norm")(x)
    x = architecture.logits(backbone, x)
    return (Bias(name="head_bias")(x) if architecture.tied else x), places
