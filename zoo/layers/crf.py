"""A linear-chain conditional random field: a text's tags are judged together, each beside its neighbours.

Lafferty et al. 2001, https://repository.upenn.edu/handle/20.500.14332/6188, over the features of a network as Lample
et al. 2016, section 2.2, https://arxiv.org/abs/1603.01360. What differs: sums over sequences are products of small
matrices, rescaled at each step (Rabiner 1989, section V.A, https://doi.org/10.1109/5.18626), not sums of exponentials,
and their gradients, the marginal probabilities, are computed by the backward recursion, not by differentiating steps.
"""

import keras
from keras import ops

from zoo.backend import custom_gradient, scan

RANGE = 50.0  # nats below a place's best tag from which a tag's score is cut: exp(-50 - 25) is above float32's least
STEEP = 25.0  # nats below the best transition from which another's score is cut


@keras.saving.register_keras_serializable(package="zoo")
class CRF(keras.layers.Layer):
    """A dense layer to scores of `units` tags that learns scores of neighbouring tags as well.

    Called, it returns the scores of (batch, time, width) features, (batch, time, tags), which its methods take. Their
    `padding_mask`, (batch, time) booleans, says where there is a tag; it must not turn True again after it was False.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, x_shape):
        self.kernel = self.add_weight((x_shape[-1], self.units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")
        add = {"initializer": "zeros", "autocast": False}
        self.transitions = self.add_weight((self.units, self.units), name="transitions", **add)  # from row to column
        self.start_transitions = self.add_weight((self.units,), name="start_transitions", **add)
        self.end_transitions = self.add_weight((self.units,), name="end_transitions", **add)

    def call(self, x):
        return ops.matmul(x, self.kernel) + self.bias

    def negative_log_likelihood(self, score_BTK, tags_BT, visible_BT):
        """Nats of the sequences `tags_BT`, (batch,): the negative logarithm of their probability; 0 without a tag."""
        score_TBK, transition_KK, shown_TB = _potentials(score_BTK, visible_BT, *self.transition_scores())
        (total_B,) = _log_sum(score_TBK, transition_KK, shown_TB)
        return total_B - _score(score_TBK, transition_KK, shown_TB, ops.transpose(tags_BT))

    def transition_scores(self) -> tuple:
        """Scores of neighbouring tags, (tags, tags) from row to column, and of tags at the start and the end, (tags,)."""
        return tuple(map(ops.convert_to_tensor, (self.transitions, self.start_transitions, self.end_transitions)))

    def marginals(self, score_BTK, visible_BT):
        """The probability of each tag at each place, (batch, time, tags), given the whole text; zeros at padding."""
        return marginals(score_BTK, visible_BT, *self.transition_scores())

    def decode(self, score_BTK, visible_BT, allowed=None):
        """The most probable tags, (batch, time) int32; see `viterbi` for `allowed`."""
        return viterbi(score_BTK, visible_BT, *self.transition_scores(), allowed=allowed)

@keras.saving.register_keras_serializable(package="zoo")
class CRFLoss(keras.losses.Loss):
    """Nats of each sequence of tags under a `CRF`, spread evenly over its places: (batch, time).

    Targets are (batch, time) tags, -1 where there is none; these places may lie anywhere in a row.
    """

    def __init__(self, crf, name="negative_log_likelihood", **kwargs):
        super().__init__(name=name, **kwargs)
        self.crf = crf

    def call(self, y_true, y_pred):
        tags_BT = ops.cast(y_true, "int32")
        count_B1 = ops.sum(ops.cast(tags_BT >= 0, "float32"), axis=1, keepdims=True)
        order_BT = to_front(tags_BT >= 0)
        score_BTK = ops.take_along_axis(y_pred, order_BT[..., None], axis=1)
        tags_BT = ops.take_along_axis(tags_BT, order_BT, axis=1)
        nats_B = self.crf.negative_log_likelihood(score_BTK, ops.maximum(tags_BT, 0), tags_BT >= 0)
        return ops.broadcast_to(nats_B[:, None] / ops.maximum(count_B1, 1), ops.shape(tags_BT))


def to_front(chosen_BT):
    """Indices, (batch, time), that put the chosen places of each row first, each kind in its order."""
    place_T = ops.arange(ops.shape(chosen_BT)[1], dtype="int32")
    return ops.argsort(ops.where(chosen_BT, place_T, place_T + ops.shape(chosen_BT)[1]), axis=1)


def viterbi(score_BTK, visible_BT, transition_KK, begin_K, end_K, allowed=None):
    """The sequence of tags with the highest score for each row, (batch, time) int32; 0 at padding.

    Viterbi 1967, https://doi.org/10.1109/TIT.1967.1054010. `allowed`, (tags + 1, tags + 1) booleans, says which tag
    may follow which, from row to column; the last row and column stand for the beginning and the end.
    """
    if allowed is not None:
        cost = ops.where(ops.convert_to_tensor(allowed), 0.0, -1e9)
        transition_KK = transition_KK + cost[:-1, :-1]
        begin_K, end_K = begin_K + cost[-1, :-1], end_K + cost[:-1, -1]
    score_TBK, shown_TB = _prepare(score_BTK, visible_BT, begin_K, end_K)
    shown_TB1 = ops.cast(shown_TB, "bool")[..., None]
    (best_BK, _), (from_TBK,) = scan(_advance, (score_TBK[0], transition_KK), (score_TBK[1:], shown_TB1[1:]))
    last_B1 = ops.cast(ops.argmax(best_BK, axis=-1), "int32")[:, None]
    _, (tag_TB1,) = scan(_retreat, (last_B1,), (from_TBK,), reverse=True)
    return ops.transpose(ops.where(shown_TB1[:-1], tag_TB1, 0)[..., 0])


def marginals(score_BTK, visible_BT, transition_KK, begin_K, end_K):
    """The marginal probability of each tag at each place, (batch, time, tags); zeros at padding.

    The arguments are those of `viterbi`.
    """
    _, kept = _forwards(*_potentials(score_BTK, visible_BT, transition_KK, begin_K, end_K))
    return ops.transpose(_both_ways(*kept)[0], (1, 0, 2))[:, :-1]


def _potentials(score_BTK, visible_BT, transition_KK, begin_K, end_K):
    """Scores with those of both ends in them, and of transitions; none so low that a sum would lose it."""
    score_TBK, shown_TB = _prepare(score_BTK, visible_BT, begin_K, end_K)
    return _cut(score_TBK, RANGE, -1), _cut(transition_KK, STEEP, None), shown_TB


def _prepare(score_BTK, visible_BT, begin_K, end_K):
    """Scores, (time + 1, batch, tags), with those of both ends in them, and 1.0 where a tag is, (time + 1, batch).

    The one place more, of padding, is for texts of one tag: no recursion is without a step.
    """
    shown_BT = ops.pad(ops.cast(visible_BT, "float32"), ((0, 0), (0, 1)))
    score_BTK = ops.pad(ops.cast(score_BTK, "float32"), ((0, 0), (0, 1), (0, 0)))
    last_BT = shown_BT - ops.pad(shown_BT[:, 1:], ((0, 0), (0, 1)))
    first_T = ops.cast(ops.equal(ops.arange(ops.shape(shown_BT)[1]), 0), "float32")
    score_BTK = score_BTK + first_T[:, None] * begin_K + last_BT[..., None] * end_K
    return ops.transpose(score_BTK, (1, 0, 2)), ops.transpose(shown_BT)


def _advance(state, now):
    """The best score of sequences that end in each tag one place later, and the tag before; the same at padding."""
    (best_BK, transition_KK), (score_BK, shown_B1) = state, now
    step_BKK = best_BK[:, :, None] + transition_KK
    before_BK = ops.cast(ops.argmax(step_BKK, axis=1), "int32")
    stay_BK = ops.broadcast_to(ops.arange(best_BK.shape[1], dtype="int32"), ops.shape(best_BK))
    best_BK = ops.where(shown_B1, ops.max(step_BKK, axis=1) + score_BK, best_BK)
    return (best_BK, transition_KK), (ops.where(shown_B1, before_BK, stay_BK),)


def _retreat(state, now):
    tag_B1 = ops.take_along_axis(now[0], state[0], axis=1)
    return (tag_B1,), (tag_B1,)


def _score(score_TBK, transition_KK, shown_TB, tags_BT):
    """Scores of given sequences, (batch,)."""
    tags_TB = ops.pad(tags_BT, ((0, 1), (0, 0)))
    places_TB = ops.take_along_axis(score_TBK, tags_TB[..., None], axis=2)[..., 0]
    pairs_TB = ops.take(ops.reshape(transition_KK, (-1,)), tags_TB[:-1] * transition_KK.shape[0] + tags_TB[1:])
    return ops.sum(places_TB * shown_TB, axis=0) + ops.sum(pairs_TB * shown_TB[1:], axis=0)


def _cut(score, distance, axis):
    """Scores raised to `distance` below the highest along an axis; their gradient is as if they had not been."""
    least = ops.max(score, axis=axis, keepdims=True) - distance
    return score + ops.stop_gradient(ops.maximum(score, least) - score)


def _forwards(score_TBK, transition_KK, shown_TB):
    """The logarithm of the sum of exp(score) over all sequences of tags, (batch,), and what its gradient needs.

    `reach` is the probability of each tag given what stands up to its place; `total` what it was divided by.
    """
    peak_TB1, top = ops.max(score_TBK, axis=-1, keepdims=True), ops.max(transition_KK)
    place_TBK, step_KK = ops.exp(score_TBK - peak_TB1), ops.exp(transition_KK - top)
    first_B1 = ops.sum(place_TBK[0], axis=-1, keepdims=True)
    first_BK = place_TBK[0] / first_B1
    _, (reach_TBK, total_TB1) = scan(_reach, (first_BK, step_KK), (place_TBK[1:],))
    reach_TBK, total_TB1 = (ops.concatenate([a[None], b]) for a, b in ((first_BK, reach_TBK), (first_B1, total_TB1)))
    nats_TB = ops.log(total_TB1[..., 0]) + peak_TB1[..., 0]
    sum_B = ops.sum(nats_TB * shown_TB, axis=0) + top * ops.sum(shown_TB[1:], axis=0)
    return (sum_B,), (step_KK, place_TBK, reach_TBK, total_TB1, shown_TB)


def _reach(state, now):
    (reach_BK, step_KK), (place_BK,) = state, now
    reach_BK = (reach_BK @ step_KK) * place_BK
    total_B1 = ops.sum(reach_BK, axis=-1, keepdims=True)
    reach_BK = reach_BK / total_B1
    return (reach_BK, step_KK), (reach_BK, total_B1)


def _both_ways(step_KK, place_TBK, reach_TBK, total_TB1, shown_TB):
    """Marginal probabilities, (time, batch, tags), and how likely what follows makes each tag but the first."""
    ones_BK = ops.ones_like(reach_TBK[0])
    inputs = (place_TBK[1:], total_TB1[1:], shown_TB[1:, :, None])
    _, (follow_TBK, enter_TBK) = scan(_follow, (ones_BK, ops.transpose(step_KK)), inputs, reverse=True)
    follow_TBK = ops.concatenate([follow_TBK, ones_BK[None]])
    return reach_TBK * follow_TBK * shown_TB[..., None], enter_TBK


def _follow(state, now):
    (follow_BK, step_KK), (place_BK, total_B1, shown_B1) = state, now
    enter_BK = place_BK * follow_BK / total_B1 * shown_B1
    follow_BK = enter_BK @ step_KK + (1 - shown_B1)
    return (follow_BK, step_KK), (follow_BK, enter_BK)


def _backwards(kept, gradients):
    """Gradients of scores and transitions: how often each is met, in the mean over all sequences."""
    step_KK, _, reach_TBK, _, shown_TB = kept
    marginal_TBK, enter_TBK = _both_ways(*kept)
    weight_B1 = gradients[0][:, None]
    rows = (ops.reshape(array, (-1, step_KK.shape[0])) for array in (reach_TBK[:-1] * weight_B1, enter_TBK))
    from_RK, to_RK = rows
    return marginal_TBK * weight_B1, ops.transpose(from_RK) @ to_RK * step_KK, ops.zeros_like(shown_TB)


_log_sum = custom_gradient(_forwards, _backwards)
