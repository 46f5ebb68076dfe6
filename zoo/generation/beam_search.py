"""Beam search: keep the K most likely beams of each prompt at every step, and return the best finished texts.

Sutskever et al. 2014, section 3.2, https://arxiv.org/abs/1409.3215. The score of a text is its log-probability divided
by the number of its new tokens to the power of the length penalty, as in transformers; Wu et al. 2016, section 7,
https://arxiv.org/abs/1609.08144, divide by another function of it. A row is done early when none of its running beams,
were it to end now, would score above the worst of the finished texts.

B rows, K beams of each, L tokens, N candidates of a step.
"""

from typing import Any

import keras
from keras import ops

from zoo.generation.history import History
from zoo.generation.logits_processors import next_state, process_logits

NEG_INF = float("-inf")  # the score of an empty beam


def initial_state(start: dict[str, Any], beams: int) -> dict[str, Any]:
    """The state before the first new token: one live beam in each row, no finished text.

    `start` is that of `zoo.generation.loop.TokenGenerator.prefill`.
    """
    tokens_BKL = ops.repeat(start["tokens"][:, None], beams, axis=1)
    batch, _, length = ops.shape(tokens_BKL)  # a TensorFlow graph knows them only when it runs
    finished = {
        "tokens": tokens_BKL,
        "logprobs": ops.zeros((batch, beams, length), "float32"),
        "score": ops.full((batch, beams), NEG_INF, "float32"),
        "count": ops.zeros((batch, beams), "int32"),
    }
    score = ops.broadcast_to(ops.where(ops.arange(beams) == 0, 0.0, NEG_INF)[None], (batch, beams))
    live = {name: finished[name] for name in ("tokens", "logprobs")} | {"score": score}
    live["constraint_state"] = ops.repeat(start["constraint_state"][:, None], beams, axis=1)
    return {"live": live, "finished": finished, "count": start["count"], "done": start["done"]}


def tile_beams(tree: Any, beams: int) -> Any:
    """A structure of arrays of B rows, repeated to arrays of B * K beams."""
    return keras.tree.map_structure(lambda array: ops.repeat(array, beams, axis=0), tree)


def last_tokens(state: dict[str, Any]) -> Any:
    """(B * K, 1): the last token of each beam."""
    tokens_BKL = state["live"]["tokens"]
    flat = ops.reshape(tokens_BKL, (-1, ops.shape(tokens_BKL)[2]))
    return ops.take_along_axis(flat, _per_beam(state["count"], tokens_BKL.shape[1])[:, None] - 1, axis=1)


def select_tokens(state: dict[str, Any], logits: Any, controls: dict[str, Any]) -> dict[str, Any]:
    """The state with one more token in each beam, chosen from (B * K, vocabulary) `logits`, and reordered caches."""
    live, finished = state["live"], state["finished"]
    beams = live["score"].shape[1]
    candidates = _candidates(state, logits, controls)
    stops = ops.any(ops.equal(candidates["token"][..., None], controls["stop_ids"]), axis=-1)
    running = candidates | {"score": ops.where(stops, NEG_INF, candidates["score"])}
    live, origin = _best(running, beams, tuple(live), candidates["origin"])
    at_limit = state["new"] + 1 >= ops.reshape(controls["limit"], (-1,))
    ends = ops.logical_or(stops, at_limit[:, None])  # at the limit all texts end
    ends = ops.logical_and(ends, ops.arange(ends.shape[1])[None] < beams)
    ends = ops.logical_and(ends, ops.logical_not(state["done"])[:, None])
    length = ops.cast(state["new"] + 1, "float32") ** controls["length_penalty"]
    new_finished = candidates | {"score": ops.where(ends, candidates["score"] / length, NEG_INF)}
    all_finished = {name: ops.concatenate([finished[name], new_finished[name]], axis=1) for name in finished}
    finished, _ = _best(all_finished, beams, tuple(finished))
    done_early = live["score"][:, 0] / length <= ops.min(finished["score"], axis=1)
    done = ops.logical_or(ops.logical_or(state["done"], done_early), at_limit)
    cache = state["cache"] | {"layers": _reorder_cache(state["cache"]["layers"], origin)}
    return state | {
        "live": live,
        "finished": finished,
        "count": state["count"] + 1,
        "new": state["new"] + 1,
        "done": done,
        "cache": cache,
    }


def _candidates(state, logits, controls):
    """The N best continuations: `score`, `token`, `origin` (a beam), and that beam's arrays with the token added."""
    live, count = state["live"], state["count"]
    (batch, beams, length), vocabulary = ops.shape(live["tokens"]), logits.shape[-1]
    tokens, states = ops.reshape(live["tokens"], (-1, length)), ops.reshape(live["constraint_state"], (-1,))
    history = History(tokens, _per_beam(count, beams), state["new"], controls["stop_ids"], states)
    log_p = ops.log_softmax(ops.cast(logits, "float32"))
    number = (1 + controls["stop_ids"].shape[0]) * beams  # at least `beams` of them are no stop ids
    per_beam = min(number, vocabulary)
    processed, tokens = ops.top_k(process_logits(log_p, history, controls["processors"]), per_beam)
    total = live["score"][..., None] + ops.reshape(processed, (batch, beams, per_beam))
    score, index = ops.top_k(ops.reshape(total, (batch, -1)), min(number, beams * per_beam))
    tokens = ops.reshape(ops.cast(tokens, "int32"), (batch, -1))
    origin, token = index // per_beam, ops.take_along_axis(tokens, index, axis=1)
    target = ops.arange(length, dtype="int32") == count[:, None, None]
    logprobs = ops.take_along_axis(ops.reshape(log_p, (batch, -1)), origin * vocabulary + token, axis=1)
    states = ops.reshape(_take(live["constraint_state"], origin), (-1,))
    states = next_state(states, ops.reshape(token, (-1,)), controls["processors"])
    return {
        "score": score,
        "token": token,
        "origin": origin,
        "tokens": ops.where(target, token[..., None], _take(live["tokens"], origin)),
        "logprobs": ops.where(target, logprobs[..., None], _take(live["logprobs"], origin)),
        "count": ops.broadcast_to(count[:, None] + 1, ops.shape(token)),
        "constraint_state": ops.reshape(states, ops.shape(token)),
    }


def _best(candidates, number, names, origin=None):
    """`({name: array}, origin)` of the `number` candidates with the highest score, best first."""
    _, order = ops.top_k(candidates["score"], number)
    return {name: _take(candidates[name], order) for name in names}, None if origin is None else _take(origin, order)


def _take(array, order):
    """The entries of a (B, candidates, ...) array at the (B, number) indices `order`."""
    return ops.take_along_axis(array, ops.reshape(order, (*ops.shape(order), *[1] * (len(array.shape) - 2))), axis=1)


def _per_beam(count, beams):
    return ops.repeat(count, beams, axis=0)


def _reorder_cache(layers, origin):
    """Caches of B * K rows: each of the beams with the cache of its (B, K) `origin`."""
    rows = ops.arange(ops.shape(origin)[0], dtype="int32")[:, None] * origin.shape[1] + ops.cast(origin, "int32")
    return keras.tree.map_structure(lambda array: ops.take(array, ops.reshape(rows, (-1,)), axis=0), layers)
