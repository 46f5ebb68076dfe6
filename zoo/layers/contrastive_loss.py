"""InfoNCE: a contrastive loss with in-batch negatives, van den Oord et al. 2018, https://arxiv.org/abs/1807.03748."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class InBatchContrastiveLoss(keras.losses.Loss):
    """InfoNCE with in-batch negatives: cross-entropy in nats of each row's partner among all other rows.

    `y_true` (rows,) is the partner's row, `y_pred` (rows, width) are vectors of length 1.

    Args:
        temperature: by which cosine similarities are divided.

    >>> vectors = np.eye(4, dtype="float32")  # rows 0 and 2, and rows 1 and 3, are partners
    >>> round(float(layers.InBatchContrastiveLoss()(np.array([2, 3, 0, 1]), vectors)), 4)
    1.0986
    """

    def __init__(self, temperature: float = 0.05, **kwargs) -> None:
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, y_true, y_pred):
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        similarity = similarity - 1e9 * ops.eye(ops.shape(y_pred)[0], dtype=similarity.dtype)  # no text is its partner
        partners = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        return ops.sparse_categorical_crossentropy(partners, similarity, from_logits=True)

    def get_config(self) -> dict:
        return super().get_config() | {"temperature": self.temperature}
