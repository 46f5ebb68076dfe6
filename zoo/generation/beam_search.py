"""Beam search: the likeliest whole texts that can be found with a few candidates at a time.

Sutskever et al. 2014, section 3.2, https://arxiv.org/abs/1409.3215. The score of a text is its log-probability divided
by the number of its new tokens to the power of the length penalty, as in transformers; Wu et al. 2016, section 7,
https://arxiv.org/abs/1609.08144, divide by another function of it. A row is left when none of its candidates, were it
to end now, would score above the worst of the finished texts.

B rows, K candidates of each, L tokens, N continuations of a step that are looked at.
"""

import keras
from keras import ops

from zoo.generation.logits_processors import Text, follow, obey

NEVER = float("-inf")  # the score of what is not there


def begin(start, beams):
    """The state before the first new token: one candidate in each row, no finished text."""
    text_BKL = ops.repeat(start["text"][:, None], beams, axis=1)
    batch, _, length = text_BKL.shape
    empty = {
        "text": text_BKL,
        "log_p": ops.zeros((batch, beams, length), "float32"),
        "score": ops.full((batch, beams), NEVER, "float32"),
        "count": ops.zeros((batch, beams), "int32"),
    }
    first = ops.where(ops.arange(beams) == 0, 0.0, NEVER)
    live = {name: empty[name] for name in ("text", "log_p")} | {"score": ops.broadcast_to(first[None], (batch, beams))}
    live["node"] = ops.repeat(start["node"][:, None], beams, axis=1)
    return {"live": live, "finished": empty, "count": start["count"], "done": start["done"]}


def spread(tree, beams):
    """Arrays of B rows as those of B * K candidates."""
    return keras.tree.map_structure(lambda array: ops.repeat(array, beams, axis=0), tree)


def last_tokens(state):
    """(B * K, 1): what each candidate ends with."""
    text_BKL = state["live"]["text"]
    flat = ops.reshape(text_BKL, (-1, text_BKL.shape[2]))
    return ops.take_along_axis(flat, _candidates(state["count"], text_BKL.shape[1])[:, None] - 1, axis=1)


def choose(state, logits, given):
    """The state with one more token in each candidate, its memory that of the candidate which it goes on from."""
    live, finished = state["live"], state["finished"]
    beams = live["score"].shape[1]
    found = _continuations(state, logits, given)
    stop_ids = ops.any(ops.equal(found["token"][..., None], given["stop_ids"]), axis=-1)
    running = found | {"score": ops.where(stop_ids, NEVER, found["score"])}
    live, origin = _best(running, beams, tuple(live), found["origin"])
    ends = ops.logical_or(stop_ids, state["new"] + 1 >= given["limit"])  # where there is no more room all texts end
    ends = ops.logical_and(ends, ops.arange(ends.shape[1])[None] < beams)
    ends = ops.logical_and(ends, ops.logical_not(state["done"])[:, None])
    length = ops.cast(state["new"] + 1, "float32") ** given["length_penalty"]
    ended = found | {"score": ops.where(ends, found["score"] / length, NEVER)}
    both = {name: ops.concatenate([finished[name], ended[name]], axis=1) for name in finished}
    finished, _ = _best(both, beams, tuple(finished))
    hopeless = live["score"][:, 0] / length <= ops.min(finished["score"], axis=1)
    new = {"live": live, "finished": finished, "count": state["count"] + 1, "new": state["new"] + 1}
    cache = state["cache"] | {"arrays": _reordered(state["cache"]["arrays"], origin)}
    return state | new | {"done": ops.logical_or(state["done"], hopeless), "cache": cache}


def _continuations(state, logits, given):
    """The N best: their `score`, `token`, `origin`, and `text`, `log_p`, `count` and `node` with the token in it."""
    live, count = state["live"], state["count"]
    (batch, beams, length), vocabulary = live["text"].shape, logits.shape[-1]
    texts, nodes = ops.reshape(live["text"], (-1, length)), ops.reshape(live["node"], (-1,))
    text = Text(texts, _candidates(count, beams), state["new"], given["stop_ids"], nodes)
    log_p = ops.log_softmax(ops.cast(logits, "float32"))
    number = (1 + given["stop_ids"].shape[0]) * beams  # so many that `beams` of them go on
    each = min(number, vocabulary)
    ruled, tokens = ops.top_k(obey(log_p, text, given["numbers"]), each)
    total = live["score"][..., None] + ops.reshape(ruled, (batch, beams, each))
    score, which = ops.top_k(ops.reshape(total, (batch, -1)), min(number, beams * each))
    tokens = ops.reshape(ops.cast(tokens, "int32"), (batch, -1))
    origin, token = which // each, ops.take_along_axis(tokens, which, axis=1)
    here = ops.arange(length, dtype="int32") == count[:, None, None]
    own = ops.take_along_axis(ops.reshape(log_p, (batch, -1)), origin * vocabulary + token, axis=1)
    before = ops.reshape(_pick(live["node"], origin), (-1,))
    node = ops.reshape(follow(before, ops.reshape(token, (-1,)), given["numbers"]), token.shape)
    return {
        "score": score,
        "token": token,
        "origin": origin,
        "text": ops.where(here, token[..., None], _pick(live["text"], origin)),
        "log_p": ops.where(here, own[..., None], _pick(live["log_p"], origin)),
        "count": ops.broadcast_to(count[:, None] + 1, token.shape),
        "node": node,
    }


def _best(found, number, names, origin=None):
    """`({name: array}, origin)` of the `number` with the highest score, best first."""
    _, order = ops.top_k(found["score"], number)
    return {name: _pick(found[name], order) for name in names}, None if origin is None else _pick(origin, order)


def _pick(array, order):
    """Of (B, some, ...) those that (B, number) `order` names."""
    return ops.take_along_axis(array, ops.reshape(order, (*order.shape, *[1] * (len(array.shape) - 2))), axis=1)


def _candidates(count, beams):
    return ops.repeat(count, beams, axis=0)


def _reordered(arrays, origin):
    rows = ops.arange(origin.shape[0], dtype="int32")[:, None] * origin.shape[1] + ops.cast(origin, "int32")
    return keras.tree.map_structure(lambda array: ops.take(array, ops.reshape(rows, (-1,)), axis=0), arrays)
