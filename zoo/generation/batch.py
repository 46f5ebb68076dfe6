"""Batches for generation: prompts padded to a few array shapes, and completions from the generated arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from zoo.backend.shapes import bucket, power_of_two
from zoo.generation.context import UNLIMITED, max_context, sliding_window
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator
from zoo.generation.noise import noise, prompt_key
from zoo.layers.embedding import PaddingMask
from zoo.transforms.decoding import DecodingPlan

OUTPUTS = ("tokens", "count", "logprobs")  # arrays of a state that a `Completion` is made of


@dataclass(frozen=True)
class Completion:
    """A completion: the generated continuation of a prompt.

    Attributes:
        ids: the new token ids, without the stop id.
        logprobs: log-probability of each id under the model, in nats, before any logits processor.
        finish_reason: "stop" for a stop id or a stop string; "length" for `max_new_tokens`.
        text: the decoded text, which ends before a stop string; empty without a tokenizer.
    """

    ids: list[int]
    logprobs: list[float]
    finish_reason: str
    text: str = ""


@dataclass(frozen=True)
class EarlierTokens:
    """The new tokens of a batch before its context window slid."""

    completions: list[Completion]  # of each prompt
    contexts: list[list[int]]  # the window of each row with its new tokens
    done: np.ndarray  # (rows,) booleans: rows that get no further token
    constraint_state: np.ndarray  # (rows,) integers
    count: int  # new tokens of each row that is not done


class Batch:
    """A batch of padded prompts for a `TokenGenerator`, with the arrays that control decoding.

    Args:
        generator: the `zoo.generation.loop.TokenGenerator`.
        prompts, sources: lists of ids, as `check_prompts` returns and checks them.
        config: the `GenerationConfig`.
        length: tokens of a row, prompt included; None: enough for the prompts and the new tokens.
        earlier: the tokens that were generated before the window slid.
        repeats: for sampling, the number of each prompt among equal prompts; None: 0.

    Attributes:
        max_window_tokens: most new tokens of this window.
        rows: number of prompts, rounded up to a power of two, so that few shapes are compiled.
        inputs: {name: (rows, time) ids} of the network.
        controls: logits processors, stop ids and parameters of the decoding strategy: see
            `zoo.generation.loop.TokenGenerator.prefill`.
    """

    def __init__(
        self,
        generator: TokenGenerator,
        prompts: list[list[int]],
        sources: Sequence[Sequence[int]] | None,
        config: GenerationConfig,
        length: int | None = None,
        earlier: EarlierTokens | None = None,
        repeats: Sequence[int] | None = None,
    ):
        self.generator, self.config, self.repeats = generator, config, repeats or [0] * len(prompts)
        plan, limit = generator.network.plan, max_context(generator.network.plan.decoder_steps)
        self.prompts, self.sources, self.rows = prompts, sources, power_of_two(len(prompts))
        self.earlier = earlier or self._no_tokens()
        self.contexts = [sliding_window(ids, limit) for ids in self.earlier.contexts]
        self.lengths = np.array(list(map(len, self.contexts)), "int32")
        longest = self.lengths[~self.earlier.done[: len(prompts)]].max()
        self.max_window_tokens = min(config.max_new_tokens - self.earlier.count, max(limit - int(longest), 1))
        time = int(bucket(self.lengths.max(), limit))
        self.length = length or int(bucket(time + self.max_window_tokens + generator.lookahead, UNLIMITED))
        self.inputs = {plan.decoder_input: self._padded(self.contexts, time, 0)}
        if sources is not None:
            time = int(bucket(max(map(len, sources)), max_context(plan.encoder_steps)))
            self.inputs["source"] = self._padded(sources, time, source_padding(plan))
        self.controls = self._controls()

    def prefill(self) -> dict[str, Any]:
        """Prefill the caches: the state after the first new token of each row."""
        return self.generator.prefill(self.inputs, self.initial_state(), self.controls)

    def initial_state(self) -> dict[str, np.ndarray]:
        """The `start` of `TokenGenerator.prefill`: tokens, their counts, and which rows hold no prompt."""
        tokens = self._padded(self.contexts, self.length, 0)
        count = np.pad(self.lengths, (0, self.rows - len(self.prompts)), constant_values=1)
        start = {"tokens": tokens, "count": count, "done": self.earlier.done}
        return start | {"constraint_state": self.earlier.constraint_state}

    def slide(self, state: dict[str, Any]) -> "Batch | None":
        """The batch that continues a state at the end of its context window; None where every text has ended."""
        done, count = ops.convert_to_numpy(state["done"]), self.earlier.count + self.max_window_tokens
        if count >= self.config.max_new_tokens or done.all():
            return None
        completions = [completion for (completion,) in self.completions(state)]
        parts = zip(self.contexts, self.earlier.completions, completions, strict=True)
        contexts = [context + now.ids[len(before.ids) :] for context, before, now in parts]
        earlier = EarlierTokens(completions, contexts, done, ops.convert_to_numpy(state["constraint_state"]), count)
        return Batch(self.generator, self.prompts, self.sources, self.config, None, earlier, self.repeats)

    def completions(self, state: dict[str, Any]) -> list[list[Completion]]:
        """For each prompt a list of `Completion`, best first: one, or as many as there are beams.

        Fewer where a constraint accepts fewer texts than there are beams.
        """
        if self.config.beams == 1:
            arrays = [ops.convert_to_numpy(state[name])[:, None] for name in OUTPUTS]
            finished = np.ones((self.rows, 1), bool)
        else:
            score, *arrays = [ops.convert_to_numpy(state["finished"][name]) for name in ("score", *OUTPUTS)]
            finished = np.isfinite(score)
            finished[:, 0] = True  # also after an interruption
        return [
            [self._completion(before, length, *(array[i] for array in row)) for i in np.flatnonzero(mask)]
            for before, length, mask, *row in zip(
                self.earlier.completions, self.lengths, finished, *arrays, strict=False
            )
        ]

    def _completion(self, before, start, tokens, end, logprobs):
        end = min(end, start + self.max_window_tokens)
        ids = tokens[start:end].tolist()
        stopped = bool(ids) and ids[-1] in self.config.stop_ids
        count = len(ids) - stopped
        reason = "stop" if stopped else before.finish_reason
        return Completion(
            [*before.ids, *ids[:count]], before.logprobs + logprobs[start : start + count].tolist(), reason
        )

    def _no_tokens(self):
        none = [Completion([], [], "length") for _ in self.prompts]
        done = np.arange(self.rows) >= len(self.prompts)
        return EarlierTokens(none, self.prompts, done, np.zeros(self.rows, "int32"), 0)

    def _controls(self):
        config = self.config
        controls: dict[str, Any] = {"processors": config.arrays(self.earlier.count)}
        controls["stop_ids"] = np.array(list(config.stop_ids) or [-1], "int32")
        if config.temperature:
            controls["noise"] = self._noise()
        if config.contrastive_alpha is not None and config.top_k is not None:  # contrastive search requires top_k
            candidates = min(config.top_k, self.generator.network.vocabulary)
            controls["contrastive_alpha"] = np.full(candidates, config.contrastive_alpha, "float32")
        if config.beams > 1:
            controls["beams"] = np.zeros(config.beams)  # only the shape is used
            controls["length_penalty"] = np.array(config.length_penalty, "float32")
            controls["limit"] = config.max_new_tokens
        return controls

    def _padded(self, rows, time, padding):
        ids = np.full((self.rows, time), padding, "int32")
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        return ids

    def _noise(self):
        """(rows, length) uniform random numbers, seeded by the config's seed and a row's ids.

        A prompt gets the same sample in any batch. Equal prompts of a request get different samples, of which the first
        is that of the prompt alone.
        """
        sources = self.sources or [()] * len(self.prompts)
        keys = [prompt_key(*ids) for ids in zip(self.prompts, sources, strict=True)]
        steps = np.arange(self.earlier.count, self.earlier.count + self.length)
        numbers = np.zeros((self.rows, self.length), "float32")
        numbers[: len(keys)] = noise(self.config.seed, keys, self.repeats, steps)
        return numbers


def source_padding(plan: DecodingPlan) -> int:
    """The padding id of an encoder's input."""
    masks = (step.layer for step in plan.encoder_steps if isinstance(step.layer, PaddingMask))
    return next((layer.padding for layer in masks), 0)
