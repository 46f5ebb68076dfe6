"""Cross-entropy and accuracy of one label of several classes, given as an integer or as a one-hot vector."""

import keras
from keras import ops

from zoo.backend import Tensor


def one_hot_labels(labels: Tensor, logits: Tensor) -> Tensor:
    """One-hot labels, of the shape of `logits`, (..., classes).

    Args:
        labels: one-hot (or smoothed) labels of that shape, which are returned as they are; or class indices, (...) or
            (..., 1). Of TensorFlow, a last axis of unknown size is that of one-hot labels.
    """
    labels, classes = ops.convert_to_tensor(labels), logits.shape[-1]
    if len(labels.shape) == len(logits.shape) and labels.shape[-1] in (classes, None):
        return labels
    if len(labels.shape) == len(logits.shape):
        labels = ops.squeeze(labels, -1)
    return ops.one_hot(ops.cast(labels, "int32"), classes, dtype=logits.dtype)


@keras.saving.register_keras_serializable(package="zoo")
class LabelCrossentropy(keras.losses.CategoricalCrossentropy):
    """Categorical cross-entropy of one-hot labels, (batch, classes), or of integer labels, (batch,).

    >>> loss = layers.LabelCrossentropy(from_logits=True)
    >>> logits = np.zeros((2, 4), "float32")
    >>> round(float(loss(np.array([0, 3]), logits)), 4), round(float(loss(np.eye(4)[[0, 3]], logits)), 4)
    (1.3863, 1.3863)
    """

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        return super().call(one_hot_labels(y_true, y_pred), y_pred)


@keras.saving.register_keras_serializable(package="zoo")
class LabelAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy of one-hot labels, (batch, classes), or of integer labels, (batch,).

    >>> accuracy = layers.LabelAccuracy()
    >>> accuracy.update_state(np.array([0, 1]), np.array([[2.0, 1.0], [3.0, 1.0]]))
    >>> float(accuracy.result())
    0.5
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        return super().update_state(one_hot_labels(y_true, y_pred), y_pred, sample_weight)
