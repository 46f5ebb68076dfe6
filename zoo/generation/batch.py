"""Batches for generation: prompts padded to a few array shapes, and completions from the generated arrays."""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from zoo.backend.shapes import bucket, power_of_two
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator
from zoo.layers.embedding import PaddingMask
from zoo.layers.positions import LearnedPositions
from zoo.runtime.errors import UserError
from zoo.transforms.decoding import DecodingPlan, PlanStep

OUTPUTS = ("tokens", "count", "logprobs")  # arrays of a state that a `Completion` is made of
UNLIMITED = 2**30  # context length, in tokens, of a network without learned positions


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


class Batch:
    """A batch of padded prompts for a `TokenGenerator`, with the arrays that control decoding.

    Args:
        generator: the `zoo.generation.loop.TokenGenerator`.
        prompts, sources: lists of ids, as `check_prompts` returns and checks them.
        config: the `GenerationConfig`.
        length: tokens of a row, prompt included; None: enough for the prompts and the new tokens.

    Attributes:
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
    ):
        self.generator, self.config = generator, config
        plan = generator.network.plan
        self.prompts, self.sources = prompts, sources
        self.lengths = np.array([len(prompt) for prompt in self.prompts], "int32")
        self.rows = power_of_two(len(self.prompts))
        time = int(bucket(self.lengths.max(), max_context(plan.decoder_steps)))
        self.length = length or int(bucket(time + config.max_new_tokens + generator.lookahead, UNLIMITED))
        self.inputs = {plan.decoder_input: self._padded(self.prompts, time, 0)}
        if sources is not None:
            time = int(bucket(max(map(len, sources)), max_context(plan.encoder_steps)))
            self.inputs["source"] = self._padded(sources, time, _padding(plan))
        self.controls = self._controls()

    def prefill(self) -> dict[str, Any]:
        """Prefill the caches: the state after the first new token of each row."""
        return self.generator.prefill(self.inputs, self.initial_state(), self.controls)

    def initial_state(self) -> dict[str, np.ndarray]:
        """The `start` of `TokenGenerator.prefill`: tokens, their counts, and which rows hold no prompt."""
        tokens = self._padded(self.prompts, self.length, 0)
        done = np.arange(self.rows) >= len(self.prompts)
        count = np.pad(self.lengths, (0, self.rows - len(self.prompts)), constant_values=1)
        return {"tokens": tokens, "count": count, "done": done, "constraint_state": np.zeros(self.rows, "int32")}

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
            [self._completion(length, *(array[i] for array in row)) for i in np.flatnonzero(mask)]
            for length, mask, *row in zip(self.lengths, finished, *arrays, strict=False)
        ]

    def _completion(self, start, tokens, end, logprobs):
        end = min(end, start + self.config.max_new_tokens)
        ids = tokens[start:end].tolist()
        stopped = bool(ids) and ids[-1] in self.config.stop_ids
        count = len(ids) - stopped
        return Completion(ids[:count], logprobs[start : start + count].tolist(), "stop" if stopped else "length")

    def _controls(self):
        config = self.config
        controls: dict[str, Any] = {"processors": config.arrays()}
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

        A prompt gets the same sample in any batch. Equal prompts in a batch get different samples, of which the first
        is that of the prompt alone.
        """
        noise, repeats = np.zeros((self.rows, self.length), "float32"), Counter()
        for i, prompt in enumerate(self.prompts):
            ids = np.array([*(self.sources[i] if self.sources else ()), -1, *prompt], "int32").tobytes()
            key = [self.config.seed, zlib.crc32(ids), repeats[ids]]
            noise[i] = np.random.default_rng(key).random(self.length, "float32")
            repeats[ids] += 1
        return noise


def check_prompts(
    plan: DecodingPlan,
    prompts: Sequence[Sequence[int]],
    sources: Sequence[Sequence[int]] | None,
    config: GenerationConfig,
) -> list[list[int]]:
    """The prompts as lists of ids, truncated on `config.truncation_side`.

    Raises UserError where a prompt is empty or too long for the context of the network, or sources are missing.
    """
    limit = max_context(plan.decoder_steps)
    _check_sources(plan, prompts, sources)
    start = -max(limit - config.max_new_tokens, 1) if config.truncation_side else None
    prompts = [list(prompt)[start:] for prompt in prompts]
    for i, prompt in enumerate(prompts):
        if not prompt:
            raise UserError(f"A prompt must have at least one token. Received: prompt {i} is empty.")
        excess = len(prompt) + config.max_new_tokens - limit
        if excess > 0:
            raise UserError(
                f"Expected at most {limit} tokens, prompt and new tokens together: the context of the model. "
                f"Received: {len(prompt)} and {config.max_new_tokens}, {excess} too many, in prompt {i}. "
                "truncation_side='left' cuts the prompt."
            )
    return prompts


def max_context(steps: Iterable[PlanStep]) -> int:
    """Context length, in tokens, of the steps of a network: its learned positions, or `UNLIMITED` without them."""
    return min((step.layer.length for step in steps if isinstance(step.layer, LearnedPositions)), default=UNLIMITED)


def _padding(plan):
    """The padding id of an encoder's input."""
    masks = (step.layer for step in plan.encoder_steps if isinstance(step.layer, PaddingMask))
    return next((layer.padding for layer in masks), 0)


def _check_sources(plan, prompts, sources):
    if ("source" in plan.inputs) != (sources is not None):
        number = "no" if sources is None else len(sources)
        raise UserError(
            f"Expected sources for an encoder-decoder, and for no other network. Received: inputs {list(plan.inputs)}, "
            f"{number} sources."
        )
    if sources is not None and len(sources) != len(prompts):
        raise UserError(f"Expected as many sources as prompts. Received: {len(sources)} and {len(prompts)}.")
    limit = max_context(plan.encoder_steps)
    for i, source in enumerate(sources or ()):
        if not 0 < len(source) <= limit:
            raise UserError(f"A source must have from 1 to {limit} tokens. Received: source {i} with {len(source)}.")
