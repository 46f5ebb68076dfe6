"""Contrastive search: of the top-k tokens, the one whose feature is least similar to the features of the text before.

Su et al. 2022, section 3.2, https://arxiv.org/abs/2202.06417. Probabilities are those after all logits processors. A
feature is the input of the layer that makes logits. Each candidate is decoded once; the state takes the cache of the
chosen candidate.

B rows, K candidates of each, L slots of the cache, features M wide.
"""

import keras
from keras import ops

from zoo import backend
from zoo.generation.beam_search import NEG_INF
from zoo.generation.loop import TokenGenerator, append_token, processed_logits
from zoo.transforms.per_model import per_model


class ContrastiveGenerator(TokenGenerator):
    """Contrastive search: a `TokenGenerator` that maximises (1 - alpha) * probability - alpha * similarity.

    The similarity is the largest cosine of a token's feature with one before it, the prompt's included. Alpha is
    `controls["contrastive_alpha"]`, an array as long as there are candidates; without it tokens are chosen as by a
    `TokenGenerator`. The state also holds `logits`, those of the next token: the last token is decoded already.
    """

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.network.plan.tap(UnitFeatures())

    def _step(self, state, controls):
        return self._choose(state, state["logits"], controls)

    def _choose(self, state, logits, controls):
        if "contrastive_alpha" not in controls:
            return super()._choose(state, logits, controls)
        alpha_K, slot = controls["contrastive_alpha"], state["slot"]
        row_B = ops.arange(ops.shape(logits)[0], dtype="int32")
        probability_BK, token_BK = ops.top_k(ops.softmax(processed_logits(state, logits, controls)), alpha_K.shape[0])
        candidates = _take_rows(state["cache"], ops.repeat(row_B, alpha_K.shape[0]))
        next_logits, cache = self.network.decode(ops.reshape(ops.cast(token_BK, "int32"), (-1, 1)), slot, candidates)
        similarity_BK = ops.reshape(_similarity(cache, slot), token_BK.shape)
        score_BK = (1 - alpha_K) * probability_BK - alpha_K * similarity_BK
        score_BK = ops.where(probability_BK > 0, score_BK, NEG_INF)  # forbidden tokens are never taken
        best_B1 = ops.argmax(score_BK, axis=1, keepdims=True)
        state = append_token(state, logits, ops.take_along_axis(token_BK, best_B1, axis=1)[:, 0], controls)
        chosen_B = row_B * alpha_K.shape[0] + ops.cast(best_B1[:, 0], "int32")
        next_logits, layers = _take_rows((next_logits[:, 0], cache["layers"]), chosen_B)
        return state | {"logits": next_logits, "cache": state["cache"] | {"layers": layers}, "slot": slot + 1}


contrastive_generator = per_model(ContrastiveGenerator)


class UnitFeatures(keras.layers.Layer):
    """Returns (batch, time, width) features unchanged, and caches them normalised as (batch, 1, length, width)."""

    def call(self, x, cache):
        x_B1TM = ops.normalize(ops.cast(x, "float32"))[:, None]
        if cache.state is None:
            free = cache.length - ops.shape(x)[1]
            cache.state = (ops.pad(x_B1TM, ((0, 0), (0, 0), (0, free), (0, 0))),)
        else:
            (old,) = cache.state
            cache.state = (backend.update_cache(old, x_B1TM, cache.context.slots),)
        return x


def _similarity(cache, slot):
    """(rows,): the largest cosine of the feature in a (1,) slot with one before it."""
    ((features,),) = cache["layers"][-1:]
    features_BLM = features[:, 0]
    current_BM1 = ops.transpose(ops.take(features_BLM, slot, axis=1), (0, 2, 1))
    before = ops.arange(ops.shape(cache["padding_mask"])[1], dtype="int32") < slot
    before_BL = ops.logical_and(cache["padding_mask"], before)
    return ops.max(ops.where(before_BL, ops.matmul(features_BLM, current_BM1)[..., 0], -1.0), axis=1)


def _take_rows(tree, indices):
    """A structure of arrays with only the rows of `indices`: copies, since caches are updated in place."""
    return keras.tree.map_structure(lambda array: ops.take(array, indices, axis=0), tree)
