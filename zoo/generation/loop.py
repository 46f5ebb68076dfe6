"""The loop: read the prompts once, then choose a token, read it, choose the next."""

import weakref
from collections import defaultdict
from functools import partial

import keras
from keras import ops

from zoo import backend
from zoo.generation import beam_search
from zoo.generation.logits_processors import Text, draw, follow, obey
from zoo.transforms.cached_model import CachedModel

_WRITERS = defaultdict(weakref.WeakKeyDictionary)


class TokenGenerator:
    """Writes with one model. What is compiled is kept: once for each batch size and bucket of lengths.

    `compilations` counts how often that was.
    """

    ahead = 0  # places of memory beyond the last token's that it needs

    def __init__(self, model, *others):
        self.network = CachedModel(model)
        self.compilations = 0
        variables = [variable for one in (model, *others) for variable in one.variables]
        self._begin = backend.compiled(self._first, variables, self._count, used_up=False)
        self._resume = backend.compiled(self._further, variables, self._count)
        self._advance = backend.compiled(self._rest, variables, self._count)
        self._step = backend.captured(self._one, self._count)

    @classmethod
    def of(cls, *models):
        """The writer of a model, or of one with its helper, made when it is first asked for."""
        made = _WRITERS[cls].setdefault(models[0], weakref.WeakKeyDictionary())
        if models[-1] not in made:
            made[models[-1]] = cls(*models)
        return made[models[-1]]

    def begin(self, inputs, start, given):
        """Read prompts and choose the first new token of each.

        Args:
            inputs: {name: (batch, time) ids}, right-padded.
            start: {"text": (batch, length) ids, prompts first; "count": (batch,) tokens of the prompts; "done":
                (batch,) booleans, True for rows to leave alone}.
            given: {"numbers": of `zoo.generation.logits_processors.obey`; "stops": (some,) ids; where tokens are drawn "uniform":
                (batch, length) random numbers from 0 to below 1; where candidates are compared "contrast", as of
                `zoo.generation.contrastive_search`; where beams are searched "beams", an array as long as there are candidates,
                "length_penalty" and "limit", the most new tokens}.

        Returns the state, a dict of arrays of which people want `text`, `count`, `done`, `new` (how many tokens were
        chosen) and `log_p`, (batch, length): the log-probability, under the model, of each new token of `text`; or of
        a beam search `finished`, in which all that has one more axis for the candidates, best first.
        """
        return self._begin(*_tensors((start, inputs, given)))

    def resume(self, cache, place, chunk, start, given):
        """Read further tokens of one text and choose the first new one after them.

        Args:
            memory, place: of a state of that text; the memory is used up.
            chunk: {"tokens": (1, time) ids, right-padded; "number": how many of them hold}.
            start, given: as of `begin`, "text" and "count" with the further tokens.
        """
        return self._resume(cache, *_tensors((place, chunk, start, given)))

    def advance(self, state, given, until):
        """The state with tokens chosen until there are `until` new ones, or every row is done."""
        return self._advance(state, *_tensors((given, until)))

    def _first(self, start, inputs, given):
        logits, cache = self.network.begin(inputs, start["count"], ops.shape(start["text"])[1])
        place = ops.convert_to_tensor([ops.shape(inputs[self.network.plan.written])[1]], "int32")
        state = {"new": ops.convert_to_tensor(0, "int32"), "place": place}
        if "beams" in given:
            beams = given["beams"].shape[0]
            logits, cache = beam_search.spread((logits, cache), beams)
            return self._choose(beam_search.begin(start, beams) | state | {"cache": cache}, logits, given)
        log_p = ops.zeros_like(start["text"], "float32")
        return self._choose(start | state | {"cache": cache, "log_p": log_p}, logits, given)

    def _further(self, cache, place, chunk, start, given):
        tokens, end = chunk["tokens"], place + chunk["number"]
        places = place + ops.arange(tokens.shape[1], dtype="int32")
        held = ops.arange(start["text"].shape[1], dtype="int32")[None] < end  # padding will be written over
        reading = cache | {"padding_mask": ops.logical_and(cache["padding_mask"], held)}
        logits, read = self.network.go_on(tokens, places, reading)
        state = {
            "new": ops.convert_to_tensor(0, "int32"),
            "place": end,
            "cache": read | {"padding_mask": cache["padding_mask"]},
        }
        log_p = ops.zeros(start["text"].shape, "float32")
        return self._choose(start | state | {"log_p": log_p}, ops.take(logits, chunk["number"] - 1, axis=1), given)

    def _rest(self, state, given, until):
        return backend.repeat(partial(is_open, until=until), lambda state: self._step(state, given), state)

    def _one(self, state, given, network=None):
        tokens = beam_search.last_tokens(state) if "beams" in given else last_tokens(state)
        logits, cache = (network or self.network).go_on(tokens, state["place"], state["cache"])
        state = state | {"cache": cache, "place": state["place"] + 1}
        return self._choose(state, logits[:, 0], given)

    def _choose(self, state, logits, given):
        return (beam_search.choose if "beams" in given else choose)(state, logits, given)

    def _count(self):
        self.compilations += 1


def is_open(state, until):
    """Whether there are fewer than `until` new tokens, and a row that is not done."""
    return ops.logical_and(state["new"] < until, ops.logical_not(ops.all(state["done"])))


def last_tokens(state):
    """(rows, 1): what each row ends with."""
    return ops.take_along_axis(state["text"], state["count"][:, None] - 1, axis=1)


def choose(state, logits, given):
    """The state with one more token in each row that is not done."""
    allowed = ruled(state, logits, given)
    token = draw(allowed, _next(given["uniform"], state)) if "uniform" in given else ops.argmax(allowed, axis=-1)
    return put(state, logits, token, given)


def ruled(state, logits, given):
    """The (batch, vocabulary) logits of a state's next token after all rules."""
    text = Text(state["text"], state["count"], state["new"], given["stop_ids"], state["node"])
    return obey(ops.cast(logits, "float32"), text, given["numbers"])


def put(state, logits, token, given):
    """The state with the (batch,) tokens, of these logits, in the rows that are not done."""
    token, text, count, done = ops.cast(token, "int32"), state["text"], state["count"], state["done"]
    log_p = ops.take_along_axis(ops.log_softmax(ops.cast(logits, "float32")), token[:, None], axis=1)
    here = ops.arange(ops.shape(text)[1], dtype="int32")[None] == count[:, None]
    here = ops.logical_and(here, ops.logical_not(done)[:, None])
    stop = ops.any(ops.equal(token[:, None], given["stop_ids"][None]), axis=1)
    return state | {
        "text": ops.where(here, token[:, None], text),
        "log_p": ops.where(here, log_p, state["log_p"]),
        "count": count + ops.cast(ops.logical_not(done), "int32"),
        "done": ops.logical_or(done, stop),
        "new": state["new"] + 1,
        "node": follow(state["node"], token, given["numbers"]),
    }


def _next(uniform, state):
    """The (batch,) random numbers for the next token: a row's own, whatever is beside it and before it."""
    return ops.take(uniform, state["new"], axis=1)


def _tensors(arrays):
    return keras.tree.map_structure(ops.convert_to_tensor, arrays)
