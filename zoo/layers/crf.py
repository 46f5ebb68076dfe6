"""A linear-chain conditional random field (CRF): the tags of a text are predicted together.

Lafferty et al. 2001, https://repository.upenn.edu/handle/20.500.14332/6188, over the features of a network as Lample
et al. 2016, section 2.2, https://arxiv.org/abs/1603.01360.
"""

import keras
from keras import ops

from zoo.backend import Tensor
from zoo.layers.crf_algorithms import marginals, negative_log_likelihood, to_front, viterbi
from zoo.layers.implicit_mask import PassesMask
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class CRF(PassesMask, keras.layers.Layer):
    """A dense layer to the scores of `units` tags with a CRF's transition scores.

    A call returns the emission scores of (batch, time, width) features, (batch, time, tags), which the methods take.
    Their `mask_BT`, (batch, time) booleans, is True at tags; padding follows the tags.

    Args:
        units: number of tags.

    >>> crf = layers.CRF(3)
    >>> scores = crf(np.ones((2, 4, 16), "float32"))
    >>> tuple(crf.decode(scores, np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)).shape)
    (2, 4)
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, x_shape):
        self.kernel = self.add_weight((x_shape[-1], self.units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")
        options = {"initializer": "zeros", "autocast": False}
        shape = (self.units, self.units)  # from row to column
        self.transitions = self.add_weight(shape, name="transitions", **options)
        self.start_transitions = self.add_weight((self.units,), name="start_transitions", **options)
        self.end_transitions = self.add_weight((self.units,), name="end_transitions", **options)

    def call(self, x: Tensor) -> Tensor:
        return ops.matmul(x, self.kernel) + self.bias

    def transition_scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of transitions, (tags, tags) from row to column, and of start and end transitions, (tags,)."""
        return tuple(map(ops.convert_to_tensor, (self.transitions, self.start_transitions, self.end_transitions)))

    def negative_log_likelihood(self, score_BTK: Tensor, tags_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """The negative log-likelihood of the sequences `tags_BT` in nats, (batch,); 0 for a text without a tag."""
        return negative_log_likelihood(score_BTK, tags_BT, mask_BT, *self.transition_scores())

    def marginals(self, score_BTK: Tensor, mask_BT: Tensor) -> Tensor:
        """The marginal probability of each tag at each position, (batch, time, tags); zeros at padding."""
        return marginals(score_BTK, mask_BT, *self.transition_scores())

    def decode(self, score_BTK: Tensor, mask_BT: Tensor, allowed: Tensor | None = None) -> Tensor:
        """The most probable tags, (batch, time) int32; see `viterbi` for `allowed`."""
        return viterbi(score_BTK, mask_BT, *self.transition_scores(), allowed=allowed)


@keras.saving.register_keras_serializable(package="zoo")
class CRFLoss(keras.losses.Loss):
    """The negative log-likelihood of each sequence of tags under a `CRF`, spread evenly over its positions.

    Targets are (batch, time) tags, -1 at positions without one, which may lie anywhere in a row; losses are (batch,
    time).

    Args:
        crf: the layer whose outputs are the scores.

    >>> crf = layers.CRF(3)
    >>> scores = crf(np.ones((2, 4, 16), "float32"))
    >>> loss = layers.CRFLoss(crf)(np.array([[0, 1, 2, -1], [0, 0, -1, -1]]), scores)  # the mean over all positions
    >>> loss.ndim
    0
    """

    def __init__(self, crf: CRF, name: str = "negative_log_likelihood", **kwargs):
        super().__init__(name=name, **kwargs)
        self.crf = crf

    def get_config(self):
        return super().get_config() | {"crf": self.crf.name}

    @classmethod
    def from_config(cls, config):
        """Raise UserError: the layer belongs to a model, which a loss cannot find when Keras loads it."""
        raise UserError(
            "Expected compile=False to load a model with a CRF. Then compile it with "
            f"loss=zoo.layers.CRFLoss(model.get_layer({config['crf']!r})). Received: compile=True."
        )

    def call(self, y_true, y_pred):
        tags_BT = ops.cast(y_true, "int32")
        count_B1 = ops.sum(ops.cast(tags_BT >= 0, "float32"), axis=1, keepdims=True)
        order_BT = to_front(tags_BT >= 0)
        score_BTK = ops.take_along_axis(y_pred, order_BT[..., None], axis=1)
        tags_BT = ops.take_along_axis(tags_BT, order_BT, axis=1)
        nats_B = self.crf.negative_log_likelihood(score_BTK, ops.maximum(tags_BT, 0), tags_BT >= 0)
        return ops.broadcast_to(nats_B[:, None] / ops.maximum(count_B1, 1), ops.shape(tags_BT))
