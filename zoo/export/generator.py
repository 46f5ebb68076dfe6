"""Greedy text generation inside the graph of an export: no setting is left to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo.export.tokenizer.detokenizer import Detokenizer
from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer
from zoo.export.tokenizer.prompts import PromptBuilder
from zoo.generation.batch import max_context
from zoo.generation.loop import token_generator

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.objectives._objective import PromptTemplate
    from zoo.pipeline.pipeline import Pipeline


def text_generator(pipeline: Pipeline, template: PromptTemplate, tokenizer: GraphTokenizer) -> Callable:
    """A function from texts, (rows,) strings, to `text`, its `length` in tokens and whether it is `finished`."""
    generator, architecture = GraphGenerator(pipeline, template), pipeline.preset.architecture
    prompts = PromptBuilder(tokenizer, template, generator.prompt_length, architecture.padding)
    detokenizer = Detokenizer(pipeline.tokenizer, architecture.vocabulary)

    def generate(texts: tf.Tensor) -> dict[str, tf.Tensor]:
        ids, lengths = prompts(texts)
        new, count, finished = generator(ids, lengths)
        prefix, _ = generator.begin(ids, lengths)
        return {"text": detokenizer(new, count, prefix), "length": count, "finished": finished}

    return generate


class GraphGenerator:
    """Greedy decoding in Keras ops: the most probable token at each step.

    Args:
        pipeline: the trained `zoo.pipeline.Pipeline`.
        template: the `PromptTemplate` of its objective.

    Attributes:
        prompt_length: the most ids of a prompt, or of an encoder-decoder's source.
        max_new_tokens: the most new tokens. A decoder of limited length leaves at least half of it to the prompt.
    """

    def __init__(self, pipeline: Pipeline, template: PromptTemplate):
        objective: Any = pipeline.objective
        self.generator, self.decoder_ids = token_generator(pipeline.model), template.decoder_ids
        plan, end = self.generator.network.plan, pipeline.tokenizer.end
        self.stop_ids = np.array([-1 if end is None else end], "int32")
        limit = max_context(plan.decoder_steps)
        most = limit - len(template.decoder_ids) if template.decoder_ids else limit // 2
        self.max_new_tokens = min(objective.max_new_tokens, most)
        self.prompt_length = max_context(plan.encoder_steps) if template.decoder_ids else limit - self.max_new_tokens

    def __call__(self, ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """New ids of each row, (rows, max_new_tokens), the number of new ids, and whether a stop id ended them.

        `ids` is (rows, time) with `lengths`, (rows,), valid ids each. An empty row gets no new ids.
        """
        prompts, counts = self.begin(ids, lengths)
        inputs = {"source": ids} if self.decoder_ids else {}
        inputs |= {self.generator.network.plan.decoder_input: prompts}
        start = {"tokens": ops.pad(prompts, ((0, 0), (0, self.max_new_tokens))), "count": ops.maximum(counts, 1)}
        controls = {"processors": {}, "stop_ids": self.stop_ids}
        start |= {"done": counts < 1, "constraint_state": ops.zeros_like(counts)}
        state = self.generator.prefill(inputs, start, controls)
        state = self.generator.decode(state, controls, self.max_new_tokens)
        new = state["count"] - start["count"]
        indices = start["count"][:, None] + ops.arange(self.max_new_tokens, dtype="int32")
        new_ids = ops.take_along_axis(state["tokens"], ops.minimum(indices, ops.shape(state["tokens"])[1] - 1), axis=1)
        last = ops.take_along_axis(state["tokens"], state["count"][:, None] - 1, axis=1)[:, 0]
        finished = ops.logical_and(new > 0, ops.equal(last, self.stop_ids[0]))
        return new_ids, new - ops.cast(finished, "int32"), finished

    def begin(self, ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The `(ids, lengths)` to continue: the prompts, or for an encoder-decoder the start of each target."""
        if not self.decoder_ids:
            return ids, lengths
        start = np.array([self.decoder_ids], "int32")
        rows = ops.shape(ids)[0]
        return ops.broadcast_to(start, (rows, start.shape[1])), ops.full((rows,), start.shape[1], "int32")
