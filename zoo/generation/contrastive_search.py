"""Contrastive search: of a few likely tokens, the one that makes a feature least like those of the text before.

Su et al. 2022, section 3.2, https://arxiv.org/abs/2202.06417. What is likely is so after all rules. A feature is what
logits are made of. Each candidate is read once: with the memory of the one that is chosen the text goes on.

B rows, K candidates of each, L places of memory, features M wide.
"""

import keras
from keras import ops

from zoo import backend
from zoo.generation.beam_search import NEVER
from zoo.generation.loop import TokenGenerator, put, ruled


class ContrastiveGenerator(TokenGenerator):
    """A `TokenGenerator` that takes the token with the best (1 - weight) * probability - weight * likeness.

    Likeness is the largest cosine of its feature with that of a token before it, the prompt's included. The weight is
    `given["contrastive_alpha"]`, an array as long as there are candidates; without it this is a `TokenGenerator` like any. Its state has
    `logits`, those of the next token: all of the text was read.
    """

    def __init__(self, model):
        super().__init__(model)
        self.network.plan.watch(UnitFeatures())

    def _one(self, state, given):
        return self._choose(state, state["logits"], given)

    def _choose(self, state, logits, given):
        if "contrastive_alpha" not in given:
            return super()._choose(state, logits, given)
        weight_K, place, row_B = given["contrastive_alpha"], state["place"], ops.arange(ops.shape(logits)[0], dtype="int32")
        probability_BK, token_BK = ops.top_k(ops.softmax(ruled(state, logits, given)), weight_K.shape[0])
        lanes = _rows(state["cache"], ops.repeat(row_B, weight_K.shape[0]))
        after, read = self.network.go_on(ops.reshape(ops.cast(token_BK, "int32"), (-1, 1)), place, lanes)
        likeness_BK = ops.reshape(_likeness(read, place), token_BK.shape)
        score_BK = (1 - weight_K) * probability_BK - weight_K * likeness_BK
        score_BK = ops.where(probability_BK > 0, score_BK, NEVER)  # what rules forbid is never taken
        best_B1 = ops.argmax(score_BK, axis=1, keepdims=True)
        state = put(state, logits, ops.take_along_axis(token_BK, best_B1, axis=1)[:, 0], given)
        chosen_B = row_B * weight_K.shape[0] + ops.cast(best_B1[:, 0], "int32")
        after, arrays = _rows((after[:, 0], read["arrays"]), chosen_B)
        return state | {"logits": after, "cache": state["cache"] | {"arrays": arrays}, "place": place + 1}


class UnitFeatures(keras.layers.Layer):
    """Returns (batch, time, width) features as they are; remembers them as (batch, 1, length, width), of length 1."""

    def call(self, x, cache):
        x_B1TM = ops.normalize(ops.cast(x, "float32"))[:, None]
        if cache.state is None:
            room = cache.length - ops.shape(x)[1]
            cache.state = (ops.pad(x_B1TM, ((0, 0), (0, 0), (0, room), (0, 0))),)
        else:
            cache.state = (backend.write(*cache.state, x_B1TM, cache.context.slots),)
        return x


def _likeness(cache, place):
    """(rows,): the largest cosine of the feature in a (1,) place with one before it."""
    ((directions,),) = cache["arrays"][-1:]
    directions_BLM = directions[:, 0]
    here_BM1 = ops.transpose(ops.take(directions_BLM, place, axis=1), (0, 2, 1))
    before = ops.arange(ops.shape(cache["padding_mask"])[1], dtype="int32") < place
    before_BL = ops.logical_and(cache["padding_mask"], before)
    return ops.max(ops.where(before_BL, ops.matmul(directions_BLM, here_BM1)[..., 0], -1.0), axis=1)


def _rows(tree, numbers):
    """Arrays with these rows: copies, since memories are written into."""
    return keras.tree.map_structure(lambda array: ops.take(array, numbers, axis=0), tree)
