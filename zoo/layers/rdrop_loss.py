"""R-Drop loss: a loss, plus the KL divergence between two forward passes with different dropout.

Liang et al. 2021, https://arxiv.org/abs/2106.14448, section 2.1.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class RDropLoss(keras.losses.Loss):
    """R-Drop loss of a batch whose rows are repeated once: `loss`, plus the KL divergence of the two passes.

    Args:
        loss: a Keras loss, of (rows, ..., classes) targets and logits.
        strength: alpha of the paper, the weight of the Kullback-Leibler divergences.
        multi_label: whether each class has an independent probability; the divergences of the classes are averaged.

    >>> loss = layers.RDropLoss(layers.LabelCrossentropy(from_logits=True), strength=1.0)
    >>> labels, logits = np.array([0, 1, 0, 1]), np.zeros((4, 2), "float32")  # two texts, each twice
    >>> round(float(loss(labels, logits)), 4)
    0.6931
    """

    def __init__(
        self, loss: keras.losses.Loss, strength: float, multi_label: bool = False, name: str = "rdrop", **kwargs
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.loss, self.strength, self.multi_label = loss, strength, multi_label
        self.activate, self.reduce = (ops.sigmoid, ops.mean) if multi_label else (ops.softmax, ops.sum)

    def call(self, y_true, y_pred):
        (first, second), (p, q) = ops.split(y_pred, 2), ops.split(self.activate(y_pred), 2)
        divergence = self.reduce((p - q) * (first - second), axis=-1)  # KL(p, q) + KL(q, p); log-normalisers cancel
        return self.loss.call(y_true, y_pred) + self.strength / 4 * ops.concatenate([divergence, divergence])

    def get_config(self) -> dict:
        loss = keras.saving.serialize_keras_object(self.loss)
        return super().get_config() | {"loss": loss, "strength": self.strength, "multi_label": self.multi_label}

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"loss": keras.saving.deserialize_keras_object(config["loss"])})
