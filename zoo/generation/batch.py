"""Prompts as arrays of few shapes, and what was written as lists."""

import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo.backend.shapes import bucket, power_of_two
from zoo.layers.embedding import PaddingMask
from zoo.layers.positions import LearnedPositions
from zoo.runtime.errors import UserError

PARTS = ("text", "count", "log_p")  # of a state that people want
ENDLESS = 2**30  # tokens of a text whose network knows no longest one


@dataclass(frozen=True)
class TokenCompletion:
    """The new tokens of one text."""

    ids: list  # without the one that stopped it
    logprobs: list  # of each, under the model, before any rule
    stopped: bool  # by one of `stop_ids`, and not for want of room


class Batch:
    """Prompts on their way through a `TokenGenerator`.

    Args:
        writer: whose network reads them.
        prompts, sources: lists of ids, as `admitted` returns and checks them.
        settings: the `GenerationConfig`.
        length: tokens that there is room for; None: as many as the prompts and what is written need.
    """

    def __init__(self, writer, prompts, sources, settings, length=None):
        self.writer, self.settings = writer, settings
        plan = writer.network.plan
        limit, source_limit = longest(plan.each), longest(plan.once)
        self.prompts, self.sources = prompts, sources
        self.lengths = np.array([len(prompt) for prompt in self.prompts], "int32")
        self.rows = power_of_two(len(self.prompts))  # few shapes are compiled
        time = int(bucket(self.lengths.max(), limit))
        self.length = length or int(bucket(time + settings.max_new_tokens + writer.ahead, ENDLESS))
        self.inputs = {plan.written: self._padded(self.prompts, time, 0)}
        if sources is not None:
            time = int(bucket(max(map(len, sources)), source_limit))
            self.inputs["source"] = self._padded(sources, time, _padding(plan))
        self.given = {"numbers": settings.numbers(), "stop_ids": np.array(list(settings.stop_ids) or [-1], "int32")}
        if settings.temperature:
            self.given["uniform"] = self._uniform()
        if settings.contrastive_alpha is not None:
            candidates = min(settings.top_k, writer.network.vocabulary)
            self.given["contrastive_alpha"] = np.full(candidates, settings.contrastive_alpha, "float32")
        if settings.beams > 1:
            penalty = np.array(settings.length_penalty, "float32")
            self.given |= {"beams": np.zeros(settings.beams), "length_penalty": penalty, "limit": settings.max_new_tokens}

    def begin(self):
        """The state after the first new token of each row."""
        return self.writer.begin(self.inputs, self.start(), self.given)

    def start(self):
        """What a `TokenGenerator` is to know of the prompts beside the ids that it reads."""
        text = self._padded(self.prompts, self.length, 0)
        done = np.arange(self.rows) >= len(self.prompts)
        count = np.pad(self.lengths, (0, self.rows - len(self.prompts)), constant_values=1)
        return {"text": text, "count": count, "done": done, "node": np.zeros(self.rows, "int32")}

    def read(self, state):
        """For each prompt a list of `TokenCompletion`, best first: of one, or as many as there are beams.

        Fewer where a constraint leaves fewer texts.
        """
        if self.settings.beams == 1:
            arrays = [ops.convert_to_numpy(state[name])[:, None] for name in PARTS]
            there = np.ones((self.rows, 1), bool)
        else:
            score, *arrays = [ops.convert_to_numpy(state["finished"][name]) for name in ("score", *PARTS)]
            there = np.isfinite(score)
            there[:, 0] = True  # also where writing was interrupted
        return [
            [self._written(begin, *(array[i] for array in rows)) for i in np.flatnonzero(held)]
            for begin, held, *rows in zip(self.lengths, there, *arrays, strict=False)
        ]

    def _written(self, begin, text, end, log_p):
        end = min(end, begin + self.settings.max_new_tokens)
        ids = text[begin:end].tolist()
        stopped = bool(ids) and ids[-1] in self.settings.stop_ids
        end = len(ids) - stopped
        return TokenCompletion(ids[:end], log_p[begin : begin + end].tolist(), stopped)

    def _padded(self, rows, time, padding):
        ids = np.full((self.rows, time), padding, "int32")
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        return ids

    def _uniform(self):
        """Random numbers that depend on the seed and a row's own ids, so that a row draws the same in any batch.

        Equal rows draw differently: the first as it does alone.
        """
        found, seen = np.zeros((self.rows, self.length), "float32"), Counter()
        for i, prompt in enumerate(self.prompts):
            ids = np.array([*(self.sources[i] if self.sources else ()), -1, *prompt], "int32").tobytes()
            key = [self.settings.seed, zlib.crc32(ids), seen[ids]]
            found[i] = np.random.default_rng(key).random(self.length, "float32")
            seen[ids] += 1
        return found


def admitted(plan, prompts, sources, settings):
    """The prompts, cut where `settings` say so.

    Raises UserError where one is empty, or longer than the network reads, or sources are wanting.
    """
    limit = longest(plan.each)
    _check_sources(plan, prompts, sources)
    kept = slice(-max(limit - settings.max_new_tokens, 1) if settings.truncation_side else None, None)
    prompts = [list(prompt)[kept] for prompt in prompts]
    for i, prompt in enumerate(prompts):
        if not prompt:
            raise UserError(f"A prompt must have a token at least. Received: prompt {i} is empty.")
        over = len(prompt) + settings.max_new_tokens - limit
        if over > 0:
            raise UserError(
                f"Expected prompt and new tokens to be {limit} together, the longest text that the model reads. "
                f"Received: {len(prompt)} and {settings.max_new_tokens}, {over} too many, in prompt {i}. "
                "truncate='left' cuts it."
            )
    return prompts


def longest(steps):
    """Tokens of the longest text that these steps of a network can read."""
    return min((step.layer.length for step in steps if isinstance(step.layer, LearnedPositions)), default=ENDLESS)


def _padding(plan):
    """What the network takes for padding in its source."""
    return next((step.layer.padding for step in plan.once if isinstance(step.layer, PaddingMask)), 0)


def _check_sources(plan, prompts, sources):
    if ("source" in plan.inputs) != (sources is not None):
        raise UserError(
            f"Expected sources for a network with a source, and for no other. Received: inputs {list(plan.inputs)}, "
            f"{'no' if sources is None else len(sources)} sources."
        )
    if sources is not None and len(sources) != len(prompts):
        raise UserError(f"Expected as many sources as prompts. Received: {len(sources)} and {len(prompts)}.")
    limit = longest(plan.once)
    for i, source in enumerate(sources or ()):
        if not 0 < len(source) <= limit:
            raise UserError(f"A source must have from 1 to {limit} tokens. Received: source {i} with {len(source)}.")
