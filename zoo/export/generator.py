"""Text generation inside the exported graph: greedy decoding, sampling and beam search with the zoo's own loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops

from zoo.export.export_options import LEFT_OUT
from zoo.export.graph.graph_noise import graph_noise
from zoo.generation.context import max_context
from zoo.generation.defaults import config_of
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import token_generator

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.objectives._objective import PromptTemplate
    from zoo.pipeline.pipeline import Pipeline

LONGEST = 1024  # most new tokens of a network whose context has no limit, unless it was trained on longer texts


class Prompts(NamedTuple):
    """The prompts of a batch, right-padded, with the most new tokens of each."""

    ids: tf.Tensor  # (rows, time), what the decoder continues
    counts: tf.Tensor  # (rows,) ids of each; 0: nothing is generated
    limits: tf.Tensor  # (rows,) most new tokens
    inputs: dict[str, tf.Tensor]  # of the network
    lengths: tf.Tensor  # (rows,) ids of each source of an encoder-decoder


class NewTokens(NamedTuple):
    """Generated tokens: ids, (rows, time), how many of each row are valid, and whether a stop id ended them."""

    ids: tf.Tensor
    counts: tf.Tensor
    finished: tf.Tensor


def graph_config(pipeline: Pipeline, **arguments: Any) -> GenerationConfig:
    """The `GenerationConfig` of arguments, with the model's defaults where they are None, but `LEFT_OUT`."""
    objective: Any = pipeline.objective
    without = (*LEFT_OUT, "top_k") if "contrastive_alpha" in objective.generation else LEFT_OUT
    defaults = {name: value for name, value in objective.generation.items() if name not in without}
    config = config_of(replace(objective, generation=defaults), arguments)
    config.check_vocabulary(pipeline.preset.architecture.vocabulary)
    return replace(config, stop_ids=pipeline.tokenizer.stop_ids)


class GraphGenerator:
    """Text generation in Keras ops, from ids to new ids.

    Args:
        pipeline: the trained `zoo.pipeline.Pipeline`.
        template: the `PromptTemplate` of its objective.

    Attributes:
        prompt_length: limit of ids of a prompt, or of an encoder-decoder's source.
        context: limit of ids, prompt and new ones together; 2**30 where the network has none.
        longest: most new ids that a request can have.
    """

    def __init__(self, pipeline: Pipeline, template: PromptTemplate):
        self.generator, self.start_ids = token_generator(pipeline.model), template.decoder_ids
        self.padding = pipeline.preset.architecture.padding
        plan, self.default_limit = self.generator.network.plan, graph_config(pipeline).max_new_tokens
        self.context = max_context(plan.decoder_steps)
        self.longest = max(self.default_limit, pipeline.objective.length, LONGEST)
        self.prompt_length = max_context(plan.encoder_steps) if self.start_ids else self.context

    def prompts(self, ids: tf.Tensor, lengths: tf.Tensor, limits: tf.Tensor) -> Prompts:
        """The `Prompts` of (rows, time) ids with `lengths`, (rows,), valid ids each.

        `limits` are (rows,) numbers of new tokens that are asked for. A prompt that leaves no room for them loses its
        beginning, down to half the context. Where the limit is below 1 it is the model's own, or as many tokens as the
        context has room for, as in `Pipeline.generate` without `max_new_tokens`.
        """
        name = self.generator.network.plan.decoder_input
        fits = limits < 1
        limits = ops.where(fits, self.default_limit, ops.minimum(limits, self.longest))
        if self.start_ids:
            start, rows = np.array([self.start_ids], "int32"), ops.shape(ids)[0]
            prompt = ops.broadcast_to(start, (rows, start.shape[1]))
            counts = ops.full((rows,), start.shape[1], "int32")
            limits = ops.minimum(limits, self.context - start.shape[1])
            return Prompts(prompt, counts, limits, {"source": ids, name: prompt}, lengths)
        complete = ops.where(fits, lengths < self.context, lengths + limits <= self.context)
        shortened = ops.minimum(lengths, ops.maximum(self.context - limits, max(self.context // 2, 1)))
        counts = ops.where(complete, lengths, shortened)
        ids = _last_ids(ids, lengths, counts, self.padding)
        limits = ops.minimum(limits, self.context - counts)
        return Prompts(ids, counts, limits, {name: ids}, ops.zeros_like(counts))

    def __call__(self, prompts: Prompts, controls: dict[str, Any]) -> NewTokens:
        """The `NewTokens` of prompts. `controls` are of `zoo.generation.loop.TokenGenerator.prefill`."""
        most = ops.maximum(ops.max(prompts.limits), 1)
        first = ops.maximum(prompts.counts, 1)
        start = {"tokens": ops.pad(prompts.ids, ((0, 0), (0, most))), "count": first, "done": prompts.counts < 1}
        start |= {"constraint_state": ops.zeros_like(first)}
        controls = controls | {"limit": prompts.limits}
        state = self.generator.prefill(prompts.inputs, start, controls)
        state = self.generator.decode(state, controls, most)
        if "beams" in controls:  # the best beam
            tokens, ends = (state["finished"][name][:, 0] for name in ("tokens", "count"))
            ends = ops.where(prompts.counts < 1, first, ends)
        else:
            tokens, ends = state["tokens"], state["count"]
        index = first[:, None] + ops.arange(most, dtype="int32")
        ids = ops.take_along_axis(tokens, ops.minimum(index, ops.shape(tokens)[1] - 1), axis=1)
        last = ops.take_along_axis(tokens, ends[:, None] - 1, axis=1)
        stopped = ops.any(ops.equal(last, controls["stop_ids"]), axis=1)
        counts = ends - first
        finished = ops.logical_and(counts > 0, stopped)
        return NewTokens(ids, counts - ops.cast(finished, "int32"), finished)


def controls_of(config: GenerationConfig) -> dict[str, Any]:
    """The controls of `zoo.generation.loop.TokenGenerator.prefill` for greedy decoding or beam search."""
    controls: dict[str, Any] = {"processors": config.arrays(), "stop_ids": np.array(config.stop_ids or [-1], "int32")}
    if config.beams > 1:
        controls |= {"beams": np.zeros(config.beams), "length_penalty": np.array(config.length_penalty, "float32")}
    return controls


def sampling_controls(
    config: GenerationConfig, sampling: dict[str, tf.Tensor], keys: tf.Tensor, steps: tf.Tensor
) -> dict[str, Any]:
    """The controls of sampling with a temperature, `top_k`, `top_p`, `seed` and `repeat` for each row."""
    processors = config.arrays() | {name: sampling[name] for name in ("temperature", "top_k", "top_p")}
    noise = graph_noise(sampling["seed"], keys, sampling["repeat"], steps)
    return controls_of(config) | {"processors": processors, "noise": noise}


def _last_ids(ids, lengths, counts, padding):
    """(rows, longest count or 1): the last `counts` of each row's `lengths` ids, right-padded."""
    positions = ops.arange(ops.maximum(ops.max(counts), 1), dtype="int32")[None]
    index = ops.minimum((lengths - counts)[:, None] + positions, ops.shape(ids)[1] - 1)
    return ops.where(positions < counts[:, None], ops.take_along_axis(ids, index, axis=1), padding)
