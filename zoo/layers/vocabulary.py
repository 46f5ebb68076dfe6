"""What objectives that predict tokens share: the loss of logits over the vocabulary."""

import keras
from keras import ops

from zoo import backend


@keras.saving.register_keras_serializable(package="zoo")
class TokenLoss(keras.losses.Loss):
    """Cross-entropy in nats of (..., classes) logits where (...,) integer classes are right.

    A target below 0 counts as any other: give it no weight. `smoothing`: Szegedy 2016, arXiv:1512.00567, section 7.
    """

    def __init__(self, smoothing=0.0, **kwargs):
        super().__init__(**kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        targets = ops.maximum(ops.cast(y_true, "int32"), 0)  # Keras hands them over as floats
        return backend.cross_entropy(y_pred, targets, self.smoothing)


@keras.saving.register_keras_serializable(package="zoo")
class TokenLosses(keras.layers.Layer):
    """Losses of tokens, (batch, time) float32, of (batch, time, vocabulary) logits; 0 where a target is below 0."""

    def call(self, logits, targets):
        losses = backend.cross_entropy(logits, ops.maximum(targets, 0))
        return losses * ops.cast(targets >= 0, "float32")

    def compute_output_spec(self, logits, targets):
        return keras.KerasTensor(targets.shape, dtype="float32")


def scorer(model):
    """A twin of a model of logits that gives each token's loss instead; it reads one input more, `target`."""
    target = keras.Input((None,), dtype="int32", name="target")
    return keras.Model({**model.input, "target": target}, TokenLosses(name="losses")(model.output, target))
