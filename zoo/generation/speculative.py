"""Speculative decoding: a draft model proposes tokens that the target model verifies in one step.

Leviathan et al. 2022, https://arxiv.org/abs/2211.17192. A proposal is accepted where the target model chooses the same
token, so the text equals the text without a draft, sampled or not. The more proposals are accepted, the less often the
weights of the target model are read. Draft and target share the logits processors and the random numbers. In each round
all rows advance by the same number of tokens, that of the row with the fewest accepted proposals.
"""

from functools import partial

import keras
from keras import ops

from zoo import backend
from zoo.generation.context import max_context
from zoo.generation.loop import TokenGenerator, is_unfinished, last_tokens, select_token
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import PaddingMask
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.relative_positions import RelativePositionBias
from zoo.runtime.errors import UserError
from zoo.transforms.cached_model import CachedModel
from zoo.transforms.per_model import per_model

DRAFT_TOKENS = 4  # proposals of a round
# layers whose cache can be rewound: rejected tokens' slots are overwritten
REWINDABLE = (MultiHeadAttention, RelativePositionBias, LearnedPositions, SinusoidalPositions, PaddingMask)


class SpeculativeGenerator(TokenGenerator):
    """Speculative decoding: a `TokenGenerator` of a target model with a draft model.

    Raises UserError where their inputs, vocabularies or contexts differ, or a cache cannot be rewound.
    """

    lookahead = DRAFT_TOKENS + 1

    def __init__(self, model: keras.Model, draft: keras.Model):
        super().__init__(model, draft)
        self.draft = CachedModel(draft)
        _check(self.network, self.draft)
        self._propose = backend.capture(partial(self._step, network=self.draft), self._count_compilation)
        self._verify = backend.capture(self.network.decode, self._count_compilation)

    def _prefill(self, start, inputs, controls):
        _, cache = self.draft.prefill(inputs, start["count"], ops.shape(start["tokens"])[1])
        return super()._prefill(start, inputs, controls) | {"draft": cache}

    def _decode(self, state, controls, until):
        unfinished = partial(is_unfinished, until=until)
        return backend.while_loop(unfinished, partial(self._round, controls=controls, until=until), state)

    def _round(self, state, controls, until):
        """The state with one to `lookahead` more tokens in each row that is not done."""
        draft = {name: state[name] for name in state if name != "draft"} | {"cache": state["draft"]}
        end = state["new"] + self.lookahead  # one step more: the last proposal, too, needs its slot in the cache
        draft = backend.while_loop(
            lambda draft: draft["new"] < end, lambda draft: self._propose(draft, controls), draft
        )
        steps = ops.arange(self.lookahead, dtype="int32")
        proposed = ops.take_along_axis(draft["tokens"], state["count"][:, None] - 1 + steps, axis=1)
        logits, cache = self._verify(proposed, state["slot"] + steps, state["cache"])
        state = state | {"cache": cache, "draft": draft["cache"]}
        return self._accept(state, logits, proposed, controls, until)

    def _accept(self, state, logits, proposed, controls, until):
        """The state with tokens chosen from `logits` until a row's token differs from its proposal."""

        def condition(loop_vars):
            state, index, accepted = loop_vars
            return ops.logical_and(ops.logical_and(accepted, index < self.lookahead), is_unfinished(state, until))

        def body(loop_vars):
            state, index, _ = loop_vars
            state = state | select_token(state, ops.take(logits, index, axis=1), controls)
            proposal = ops.take(proposed, ops.minimum(index + 1, self.lookahead - 1), axis=1)
            accepted = ops.logical_or(state["done"], ops.equal(last_tokens(state)[:, 0], proposal))
            return state | {"slot": state["slot"] + 1}, index + 1, ops.all(accepted)

        caches = {name: state[name] for name in ("cache", "draft")}  # outside the loop, which might copy them
        loop_state = {name: state[name] for name in state if name not in caches}
        loop_vars = (loop_state, ops.convert_to_tensor(0, "int32"), ops.convert_to_tensor(True))
        return backend.while_loop(condition, body, loop_vars)[0] | caches


speculative_generator = per_model(SpeculativeGenerator)


def _check(target, draft):
    inputs, draft_inputs = (list(network.plan.inputs) for network in (target, draft))
    if inputs != draft_inputs or target.vocabulary != draft.vocabulary:
        raise UserError(
            f"Expected a draft of the same inputs and vocabulary, {inputs} and {target.vocabulary}. "
            f"Received: one with {draft_inputs} and {draft.vocabulary}."
        )
    context, draft_context = (max_context(network.plan.decoder_steps) for network in (target, draft))
    if draft_context < context:
        raise UserError(f"Expected a draft with a context of {context} tokens. Received: one of {draft_context}.")
    for step in (*target.plan.decoder_steps, *draft.plan.decoder_steps):
        if step.uses_cache and not isinstance(step.layer, REWINDABLE):
            raise UserError(
                "Expected networks with caches of attention alone, so that wrong proposals can be taken back. "
                f"Received: {step.layer.name!r}, a {type(step.layer).__name__}."
            )
