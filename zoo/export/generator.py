"""Greedy text generation inside the exported graph: prompts to completions, without sampling parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo.export.tokenizer.detokenizer import Detokenizer
from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer
from zoo.export.tokenizer.prompts import PromptBuilder
from zoo.generation.context import max_context
from zoo.generation.defaults import config_of
from zoo.generation.loop import token_generator

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.objectives._objective import PromptTemplate
    from zoo.pipeline.pipeline import Pipeline


def text_generator(pipeline: Pipeline, template: PromptTemplate, tokenizer: GraphTokenizer) -> Callable:
    """Greedy generation: a function from (rows,) strings to `text`, `length` in tokens and whether it is `finished`."""
    generator, architecture = GraphGenerator(pipeline, template), pipeline.preset.architecture
    prompts = PromptBuilder(tokenizer, template, generator.prompt_length, architecture.padding)
    detokenizer = Detokenizer(pipeline.tokenizer, architecture.vocabulary)

    def generate(texts: tf.Tensor) -> dict[str, tf.Tensor]:
        ids, lengths = prompts(texts)
        new_ids, count, finished = generator(ids, lengths)
        prefix, _ = generator.decoder_prompts(ids, lengths)
        return {"text": detokenizer(new_ids, count, prefix), "length": count, "finished": finished}

    return generate


class GraphGenerator:
    """Greedy decoding in Keras ops: the most probable token at each step.

    Args:
        pipeline: the trained `zoo.pipeline.Pipeline`.
        template: the `PromptTemplate` of its objective.

    Attributes:
        prompt_length: limit of ids of a prompt, or of an encoder-decoder's source.
        max_new_tokens: limit of new tokens. A decoder of limited length leaves at least half of its positions to the
            prompt.
    """

    def __init__(self, pipeline: Pipeline, template: PromptTemplate):
        objective: Any = pipeline.objective
        self.generator, self.decoder_ids = token_generator(pipeline.model), template.decoder_ids
        plan = self.generator.network.plan
        self.stop_ids = np.array(pipeline.tokenizer.stop_ids or [-1], "int32")
        limit = max_context(plan.decoder_steps)
        available = limit - len(template.decoder_ids) if template.decoder_ids else limit // 2
        self.max_new_tokens = min(config_of(objective, {}).max_new_tokens, available)
        self.prompt_length = max_context(plan.encoder_steps) if template.decoder_ids else limit - self.max_new_tokens

    def __call__(self, ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """New ids of each row, (rows, max_new_tokens), the number of new ids, and whether a stop id ended them.

        `ids` is (rows, time) with `lengths`, (rows,), valid ids each. An empty row gets no new ids.
        """
        prompts, counts = self.decoder_prompts(ids, lengths)
        inputs = {"source": ids} if self.decoder_ids else {}
        inputs |= {self.generator.network.plan.decoder_input: prompts}
        start = {"tokens": ops.pad(prompts, ((0, 0), (0, self.max_new_tokens))), "count": ops.maximum(counts, 1)}
        controls = {"processors": {}, "stop_ids": self.stop_ids}
        start |= {"done": counts < 1, "constraint_state": ops.zeros_like(counts)}
        state = self.generator.prefill(inputs, start, controls)
        state = self.generator.decode(state, controls, self.max_new_tokens)
        new_counts = state["count"] - start["count"]
        indices = start["count"][:, None] + ops.arange(self.max_new_tokens, dtype="int32")
        new_ids = ops.take_along_axis(state["tokens"], ops.minimum(indices, ops.shape(state["tokens"])[1] - 1), axis=1)
        last = ops.take_along_axis(state["tokens"], state["count"][:, None] - 1, axis=1)[:, 0]
        finished = ops.logical_and(new_counts > 0, ops.any(ops.equal(last[:, None], self.stop_ids), axis=1))
        return new_ids, new_counts - ops.cast(finished, "int32"), finished

    def decoder_prompts(self, ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The `(ids, lengths)` that the decoder continues: the prompts, or an encoder-decoder's decoder start ids."""
        if not self.decoder_ids:
            return ids, lengths
        start = np.array([self.decoder_ids], "int32")
        rows = ops.shape(ids)[0]
        return ops.broadcast_to(start, (rows, start.shape[1])), ops.full((rows,), start.shape[1], "int32")
