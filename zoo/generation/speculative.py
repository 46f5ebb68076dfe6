"""Writing with a draft: a small network guesses some tokens ahead, and the large one reads them all at once.

Leviathan et al. 2022, https://arxiv.org/abs/2211.17192. What is kept are the tokens that the large network chooses
itself, so the text is the one that it writes without a draft, drawn or not; the more guesses are right, the less often
its weights are read. Guesses are chosen by the same rules and the same random numbers. Rows keep in step: of each round
they all keep as many tokens as the one whose guesses were worst.
"""

from functools import partial

from keras import ops

from zoo import backend
from zoo.generation.batch import longest
from zoo.generation.loop import TokenGenerator, choose, is_open, last_tokens
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import PaddingMask
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.relative_positions import RelativePositionBias
from zoo.runtime.errors import UserError
from zoo.transforms.cached_model import CachedModel

GUESSES = 4  # tokens of a round that are guessed
BY_PLACE = (
    MultiHeadAttention,
    RelativePositionBias,
    LearnedPositions,
    SinusoidalPositions,
    PaddingMask,
)  # can read a place once more


class SpeculativeGenerator(TokenGenerator):
    """A `TokenGenerator` of one model with the help of another. Raises UserError for two that do not go together."""

    ahead = GUESSES + 1

    def __init__(self, model, draft):
        super().__init__(model, draft)
        self.draft = CachedModel(draft)
        _check(self.network, self.draft)
        self._guess = backend.captured(partial(self._one, network=self.draft), self._count)
        self._read = backend.captured(self.network.go_on, self._count)

    def _first(self, start, inputs, given):
        _, cache = self.draft.begin(inputs, start["count"], ops.shape(start["text"])[1])
        return super()._first(start, inputs, given) | {"draft": cache}

    def _rest(self, state, given, until):
        return backend.repeat(partial(is_open, until=until), partial(self._round, given=given, until=until), state)

    def _round(self, state, given, until):
        """The state with one to `ahead` more tokens in each row that is not done."""
        draft = {name: state[name] for name in state if name != "draft"} | {"cache": state["draft"]}
        end = state["new"] + self.ahead  # the last guess is read, too: it may be kept
        draft = backend.repeat(lambda draft: draft["new"] < end, lambda draft: self._guess(draft, given), draft)
        steps = ops.arange(self.ahead, dtype="int32")
        guessed = ops.take_along_axis(draft["text"], state["count"][:, None] - 1 + steps, axis=1)
        logits, cache = self._read(guessed, state["place"] + steps, state["cache"])
        state = state | {"cache": cache, "draft": draft["cache"]}
        return self._kept(state, logits, guessed, given, until)

    def _kept(self, state, logits, guessed, given, until):
        """The state with tokens chosen from `logits` as long as the token before was guessed in all rows."""

        def goes_on(found):
            state, seen, agree = found
            return ops.logical_and(ops.logical_and(agree, seen < self.ahead), is_open(state, until))

        def step(found):
            state, seen, _ = found
            state = state | choose(state, ops.take(logits, seen, axis=1), given)
            guess = ops.take(guessed, ops.minimum(seen + 1, self.ahead - 1), axis=1)
            right = ops.logical_or(state["done"], ops.equal(last_tokens(state)[:, 0], guess))
            return state | {"place": state["place"] + 1}, seen + 1, ops.all(right)

        caches = {name: state[name] for name in ("cache", "draft")}  # as they are: a loop might copy them
        small = {name: state[name] for name in state if name not in caches}
        begin = (small, ops.convert_to_tensor(0, "int32"), ops.convert_to_tensor(True))
        return backend.repeat(goes_on, step, begin)[0] | caches


def _check(network, draft):
    own, other = (list(each.plan.inputs) for each in (network, draft))
    if own != other or network.vocabulary != draft.vocabulary:
        raise UserError(
            f"Expected a draft of the same inputs and vocabulary, {own} and {network.vocabulary}. "
            f"Received: one with {other} and {draft.vocabulary}."
        )
    limits = [longest(each.plan.each) for each in (network, draft)]
    if limits[1] < limits[0]:
        raise UserError(f"Expected a draft that reads as many tokens, {limits[0]}. Received: one for {limits[1]}.")
    for step in (*network.plan.each, *draft.plan.each):
        if step.remembers and not isinstance(step.layer, BY_PLACE):
            raise UserError(
                "Expected networks whose memory is of attention alone, so that what was guessed wrongly can be taken "
                f"back. Received: {step.layer.name!r}, a {type(step.layer).__name__}."
            )
