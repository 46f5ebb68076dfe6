"""CRF algorithms: log-partition function, marginal probabilities (forward-backward) and the best sequence (Viterbi).

What differs from Lample et al. 2016: sums over sequences are products of small matrices, rescaled at each step (Rabiner
1989, section V.A, https://doi.org/10.1109/5.18626), not sums of exponentials, and their gradients, the marginal
probabilities, are computed by the backward recursion, not by differentiating steps.

B texts, T positions, K tags. `score_BTK` are emission scores; `mask_BT` booleans, True at tags, which padding follows;
`transition_KK` scores from row to column; `start_K` and `end_K` those of a text's first and last tag.
"""

from keras import ops

from zoo.backend import Tensor, custom_gradient, scan

EMISSION_RANGE = 50.0  # nats below a position's best tag at which a score is clipped: exp(-50 - 25) fits in float32
TRANSITION_RANGE = 25.0  # nats below the best transition at which a transition's score is clipped


def to_front(selected_BT: Tensor) -> Tensor:
    """Indices, (batch, time), that put the selected positions of each row first; both kinds keep their order."""
    index_T = ops.arange(ops.shape(selected_BT)[1], dtype="int32")
    return ops.argsort(ops.where(selected_BT, index_T, index_T + ops.shape(selected_BT)[1]), axis=1)


def viterbi(
    score_BTK: Tensor,
    mask_BT: Tensor,
    transition_KK: Tensor,
    start_K: Tensor,
    end_K: Tensor,
    allowed: Tensor | None = None,
) -> Tensor:
    """The sequence of tags with the highest score for each row, (batch, time) int32; 0 at padding.

    Viterbi 1967, https://doi.org/10.1109/TIT.1967.1054010.

    Args:
        allowed: (tags + 1, tags + 1) booleans, which tag may follow which, from row to column; the last row and column
            stand for the start and the end. None: all may.
    """
    if allowed is not None:
        cost = ops.where(ops.convert_to_tensor(allowed), 0.0, -1e9)
        transition_KK = transition_KK + cost[:-1, :-1]
        start_K, end_K = start_K + cost[-1, :-1], end_K + cost[:-1, -1]
    score_TBK, mask_TB = _prepare(score_BTK, mask_BT, start_K, end_K)
    mask_TB1 = ops.cast(mask_TB, "bool")[..., None]
    (best_BK, _), (from_TBK,) = scan(_viterbi_step, (score_TBK[0], transition_KK), (score_TBK[1:], mask_TB1[1:]))
    last_B1 = ops.cast(ops.argmax(best_BK, axis=-1), "int32")[:, None]
    _, (tag_TB1,) = scan(_backtrack_step, (last_B1,), (from_TBK,), reverse=True)
    return ops.transpose(ops.where(mask_TB1[:-1], tag_TB1, 0)[..., 0])


def marginals(score_BTK: Tensor, mask_BT: Tensor, transition_KK: Tensor, start_K: Tensor, end_K: Tensor) -> Tensor:
    """The marginal probability of each tag at each position, (batch, time, tags); zeros at padding."""
    _, residuals = _forward(*_potentials(score_BTK, mask_BT, transition_KK, start_K, end_K))
    return ops.transpose(_forward_backward(*residuals)[0], (1, 0, 2))[:, :-1]


def negative_log_likelihood(
    score_BTK: Tensor, tags_BT: Tensor, mask_BT: Tensor, transition_KK: Tensor, start_K: Tensor, end_K: Tensor
) -> Tensor:
    """The negative log-likelihood of the sequences `tags_BT` in nats, (batch,); 0 for a text without a tag."""
    score_TBK, transition_KK, mask_TB = _potentials(score_BTK, mask_BT, transition_KK, start_K, end_K)
    (total_B,) = _log_sum(score_TBK, transition_KK, mask_TB)
    return total_B - _score(score_TBK, transition_KK, mask_TB, ops.transpose(tags_BT))


def _potentials(score_BTK, mask_BT, transition_KK, start_K, end_K):
    """Scores with those of both ends added, and transitions; none so low that a sum would lose it."""
    score_TBK, mask_TB = _prepare(score_BTK, mask_BT, start_K, end_K)
    return _clip(score_TBK, EMISSION_RANGE, -1), _clip(transition_KK, TRANSITION_RANGE, None), mask_TB


def _prepare(score_BTK, mask_BT, start_K, end_K):
    """Scores, (time + 1, batch, tags), with those of both ends added, and 1.0 at tags, (time + 1, batch).

    The additional position, of padding, is for texts of one tag: every recursion has a step.
    """
    mask_BT = ops.pad(ops.cast(mask_BT, "float32"), ((0, 0), (0, 1)))
    score_BTK = ops.pad(ops.cast(score_BTK, "float32"), ((0, 0), (0, 1), (0, 0)))
    last_BT = mask_BT - ops.pad(mask_BT[:, 1:], ((0, 0), (0, 1)))
    first_T = ops.cast(ops.equal(ops.arange(ops.shape(mask_BT)[1]), 0), "float32")
    score_BTK = score_BTK + first_T[:, None] * start_K + last_BT[..., None] * end_K
    return ops.transpose(score_BTK, (1, 0, 2)), ops.transpose(mask_BT)


def _viterbi_step(state, inputs):
    """The best score of sequences that end in each tag one position later, and the tag before; the same at padding."""
    (best_BK, transition_KK), (score_BK, mask_B1) = state, inputs
    step_BKK = best_BK[:, :, None] + transition_KK
    before_BK = ops.cast(ops.argmax(step_BKK, axis=1), "int32")
    same_BK = ops.broadcast_to(ops.arange(best_BK.shape[1], dtype="int32"), ops.shape(best_BK))
    best_BK = ops.where(mask_B1, ops.max(step_BKK, axis=1) + score_BK, best_BK)
    return (best_BK, transition_KK), (ops.where(mask_B1, before_BK, same_BK),)


def _backtrack_step(state, inputs):
    tag_B1 = ops.take_along_axis(inputs[0], state[0], axis=1)
    return (tag_B1,), (tag_B1,)


def _score(score_TBK, transition_KK, mask_TB, tags_BT):
    """The scores of sequences of tags, (batch,)."""
    tags_TB = ops.pad(tags_BT, ((0, 1), (0, 0)))
    emissions_TB = ops.take_along_axis(score_TBK, tags_TB[..., None], axis=2)[..., 0]
    pairs_TB = ops.take(ops.reshape(transition_KK, (-1,)), tags_TB[:-1] * transition_KK.shape[0] + tags_TB[1:])
    return ops.sum(emissions_TB * mask_TB, axis=0) + ops.sum(pairs_TB * mask_TB[1:], axis=0)


def _clip(score, distance, axis):
    """Scores raised to `distance` below the highest along an axis; their gradient is as if they had not been."""
    lowest = ops.max(score, axis=axis, keepdims=True) - distance
    return score + ops.stop_gradient(ops.maximum(score, lowest) - score)


def _forward(score_TBK, transition_KK, mask_TB):
    """The log-partition function: log of the sum of exp(score) over all sequences of tags, (batch,); and residuals.

    `alpha` is the probability of each tag given the scores up to its position; `total` its divisor.
    """
    peak_TB1, top = ops.max(score_TBK, axis=-1, keepdims=True), ops.max(transition_KK)
    emission_TBK, step_KK = ops.exp(score_TBK - peak_TB1), ops.exp(transition_KK - top)
    first_B1 = ops.sum(emission_TBK[0], axis=-1, keepdims=True)
    first_BK = emission_TBK[0] / first_B1
    _, (alpha_TBK, total_TB1) = scan(_forward_step, (first_BK, step_KK), (emission_TBK[1:],))
    alpha_TBK, total_TB1 = (ops.concatenate([a[None], b]) for a, b in ((first_BK, alpha_TBK), (first_B1, total_TB1)))
    nats_TB = ops.log(total_TB1[..., 0]) + peak_TB1[..., 0]
    sum_B = ops.sum(nats_TB * mask_TB, axis=0) + top * ops.sum(mask_TB[1:], axis=0)
    return (sum_B,), (step_KK, emission_TBK, alpha_TBK, total_TB1, mask_TB)


def _forward_step(state, inputs):
    (alpha_BK, step_KK), (emission_BK,) = state, inputs
    alpha_BK = (alpha_BK @ step_KK) * emission_BK
    total_B1 = ops.sum(alpha_BK, axis=-1, keepdims=True)
    alpha_BK = alpha_BK / total_B1
    return (alpha_BK, step_KK), (alpha_BK, total_B1)


def _forward_backward(step_KK, emission_TBK, alpha_TBK, total_TB1, mask_TB):
    """Marginal probabilities, (time, batch, tags), and backward messages into each position but the first."""
    ones_BK = ops.ones_like(alpha_TBK[0])
    inputs = (emission_TBK[1:], total_TB1[1:], mask_TB[1:, :, None])
    _, (beta_TBK, enter_TBK) = scan(_backward_step, (ones_BK, ops.transpose(step_KK)), inputs, reverse=True)
    beta_TBK = ops.concatenate([beta_TBK, ones_BK[None]])
    return alpha_TBK * beta_TBK * mask_TB[..., None], enter_TBK


def _backward_step(state, inputs):
    (beta_BK, step_KK), (emission_BK, total_B1, mask_B1) = state, inputs
    enter_BK = emission_BK * beta_BK / total_B1 * mask_B1
    beta_BK = enter_BK @ step_KK + (1 - mask_B1)
    return (beta_BK, step_KK), (beta_BK, enter_BK)


def _gradient(residuals, gradients):
    """Gradients of scores and transitions: how often each occurs, in the mean over all sequences."""
    step_KK, _, alpha_TBK, _, mask_TB = residuals
    marginal_TBK, enter_TBK = _forward_backward(*residuals)
    weight_B1 = gradients[0][:, None]
    arrays = alpha_TBK[:-1] * weight_B1, enter_TBK
    from_RK, to_RK = (ops.reshape(array, (-1, step_KK.shape[0])) for array in arrays)
    return marginal_TBK * weight_B1, ops.transpose(from_RK) @ to_RK * step_KK, ops.zeros_like(mask_TB)


_log_sum = custom_gradient(_forward, _gradient)
