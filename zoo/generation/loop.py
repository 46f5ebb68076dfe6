"""The generation loop: prefill the caches with the prompts, then decode one token per step."""

from functools import partial
from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.generation import beam_search
from zoo.generation.history import History
from zoo.generation.logits_processors import next_state, process_logits, sample
from zoo.transforms.cached_model import CachedModel
from zoo.transforms.per_model import per_model


class TokenGenerator:
    """The generation loop of a model, compiled once for each batch size and bucket of lengths.

    Args:
        model: a functional `keras.Model` of logits.
        extra_models: further models whose weights the loop reads, such as a draft model.

    Attributes:
        network: the model as a `zoo.transforms.cached_model.CachedModel`.
        compilations: how often a function of the loop was compiled.
    """

    lookahead = 0  # cache slots after the last token's that a step may fill

    def __init__(self, model: keras.Model, *extra_models: keras.Model):
        self.network = CachedModel(model)
        self.compilations = 0
        variables = [variable for network in (model, *extra_models) for variable in network.variables]
        self._compiled_prefill = backend.jit(self._prefill, variables, self._count_compilation, donate=False)
        self._compiled_prefill_more = backend.jit(self._prefill_more, variables, self._count_compilation)
        self._compiled_decode = backend.jit(self._decode, variables, self._count_compilation)
        self._compiled_step = backend.capture(self._step, self._count_compilation)

    def prefill(self, inputs: dict[str, Any], start: dict[str, Any], controls: dict[str, Any]) -> dict[str, Any]:
        """Run the prompts through the network, fill the caches, and choose the first new token of each row.

        Args:
            inputs: {name: (batch, time) ids}, right-padded.
            start: {"tokens": (batch, length) ids, prompts first; "count": (batch,) tokens of the prompts; "done":
                (batch,) booleans, True for rows that get no token; "constraint_state": (batch,) integers}.
            controls: {"processors": of `zoo.generation.logits_processors.process_logits`; "stop_ids": (stops,) ids; for
                sampling "noise": (batch, length) uniform numbers in [0, 1); for contrastive search
                "contrastive_alpha": (candidates,); for beam search "beams": an array as long as there are beams, and
                "length_penalty"; "limit": the most new tokens, a number or (batch,), which a beam search needs}.

        Returns the state, a dict of arrays: `tokens`, `count`, `done`, `new` (number of new tokens) and
        `logprobs`, (batch, length), the log-probability of each new token under the model. A beam search has them in
        `finished`, with one more axis for the beams, best first.
        """
        return self._compiled_prefill(*_tensors((start, inputs, controls)))

    def prefill_more(
        self, cache: dict[str, Any], slot: Any, chunk: dict[str, Any], start: dict[str, Any], controls: dict[str, Any]
    ) -> dict[str, Any]:
        """Chunked prefill: run further tokens of one text through the network, and choose the first new token.

        Args:
            cache, slot: of a state of that text; the cache is donated, so it must not be used again.
            chunk: {"tokens": (1, time) ids, right-padded; "count": number of ids without padding}.
            start, controls: as of `prefill`; "tokens" and "count" include the chunk.

        Returns the state, as `prefill`.
        """
        return self._compiled_prefill_more(cache, *_tensors((slot, chunk, start, controls)))

    def decode(self, state: dict[str, Any], controls: dict[str, Any], until: int) -> dict[str, Any]:
        """Decode token by token until there are `until` new tokens or every row is done. The state is donated."""
        return self._compiled_decode(state, *_tensors((controls, until)))

    def _prefill(self, start, inputs, controls):
        logits, cache = self.network.prefill(inputs, start["count"], ops.shape(start["tokens"])[1])
        slot = ops.convert_to_tensor([ops.shape(inputs[self.network.plan.decoder_input])[1]], "int32")
        state = {"new": ops.convert_to_tensor(0, "int32"), "slot": slot}
        if "beams" in controls:
            beams = controls["beams"].shape[0]
            logits, cache = beam_search.tile_beams((logits, cache), beams)
            return self._choose(beam_search.initial_state(start, beams) | state | {"cache": cache}, logits, controls)
        logprobs = ops.zeros_like(start["tokens"], "float32")
        return self._choose(start | state | {"cache": cache, "logprobs": logprobs}, logits, controls)

    def _prefill_more(self, cache, slot, chunk, start, controls):
        tokens, end = chunk["tokens"], slot + chunk["count"]
        slots = slot + ops.arange(tokens.shape[1], dtype="int32")
        filled = ops.arange(start["tokens"].shape[1], dtype="int32")[None] < end  # padding is overwritten later
        mask = cache["padding_mask"]
        logits, cache = self.network.decode(tokens, slots, cache | {"padding_mask": ops.logical_and(mask, filled)})
        state = {"new": ops.convert_to_tensor(0, "int32"), "slot": end, "cache": cache | {"padding_mask": mask}}
        logprobs = ops.zeros(start["tokens"].shape, "float32")
        last = ops.take(logits, chunk["count"] - 1, axis=1)
        return self._choose(start | state | {"logprobs": logprobs}, last, controls)

    def _decode(self, state, controls, until):
        unfinished = partial(is_unfinished, until=until)
        return backend.while_loop(unfinished, lambda state: self._compiled_step(state, controls), state)

    def _step(self, state, controls, network=None):
        tokens = beam_search.last_tokens(state) if "beams" in controls else last_tokens(state)
        logits, cache = (network or self.network).decode(tokens, state["slot"], state["cache"])
        state = state | {"cache": cache, "slot": state["slot"] + 1}
        return self._choose(state, logits[:, 0], controls)

    def _choose(self, state, logits, controls):
        return (beam_search.select_tokens if "beams" in controls else select_token)(state, logits, controls)

    def _count_compilation(self):
        self.compilations += 1


token_generator = per_model(TokenGenerator)


def is_unfinished(state: dict[str, Any], until: Any) -> Any:
    """The condition of the generation loop: fewer than `until` new tokens, and a row that is not done."""
    return ops.logical_and(state["new"] < until, ops.logical_not(ops.all(state["done"])))


def last_tokens(state: dict[str, Any]) -> Any:
    """(rows, 1): the last token of each row."""
    return ops.take_along_axis(state["tokens"], state["count"][:, None] - 1, axis=1)


def select_token(state: dict[str, Any], logits: Any, controls: dict[str, Any]) -> dict[str, Any]:
    """The state with one more token, sampled or the likeliest, in each row that is not done."""
    processed = processed_logits(state, logits, controls)
    if "noise" in controls:
        token = sample(processed, _noise(controls["noise"], state))
    else:
        token = ops.argmax(processed, axis=-1)
    return append_token(state, logits, token, controls)


def processed_logits(state: dict[str, Any], logits: Any, controls: dict[str, Any]) -> Any:
    """The (batch, vocabulary) logits of a state's next token after all logits processors."""
    tokens, count, new = state["tokens"], state["count"], state["new"]
    history = History(tokens, count, new, controls["stop_ids"], state["constraint_state"])
    return process_logits(ops.cast(logits, "float32"), history, controls["processors"])


def append_token(state: dict[str, Any], logits: Any, token: Any, controls: dict[str, Any]) -> dict[str, Any]:
    """The state with (batch,) tokens appended to the rows that are not done; `logits` give their log-probabilities."""
    token, tokens, count, done = ops.cast(token, "int32"), state["tokens"], state["count"], state["done"]
    logprobs = ops.take_along_axis(ops.log_softmax(ops.cast(logits, "float32")), token[:, None], axis=1)
    target = ops.arange(ops.shape(tokens)[1], dtype="int32")[None] == count[:, None]
    target = ops.logical_and(target, ops.logical_not(done)[:, None])
    stop = ops.any(ops.equal(token[:, None], controls["stop_ids"][None]), axis=1)
    if "limit" in controls:
        stop = ops.logical_or(stop, state["new"] + 1 >= controls["limit"])
    return state | {
        "tokens": ops.where(target, token[:, None], tokens),
        "logprobs": ops.where(target, logprobs, state["logprobs"]),
        "count": count + ops.cast(ops.logical_not(done), "int32"),
        "done": ops.logical_or(done, stop),
        "new": state["new"] + 1,
        "constraint_state": next_state(state["constraint_state"], token, controls["processors"]),
    }


def _noise(noise, state):
    """The (batch,) random numbers of the next token: a row's do not depend on the batch."""
    return ops.take(noise, state["new"], axis=1)


def _tensors(arrays):
    return keras.tree.map_structure(ops.convert_to_tensor, arrays)
