"""Prompt template inside a graph: texts to the ids that a generating network continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer, join

if TYPE_CHECKING:
    from zoo.objectives._objective import PromptTemplate


class PromptBuilder(tf.Module):
    """Builds prompts from texts by a prompt template.

    Args:
        tokenizer: the `GraphTokenizer`.
        template: the objective's `PromptTemplate`.
        length: limit of ids of a prompt.
        padding: the id that fills up shorter rows.
    """

    def __init__(self, tokenizer: GraphTokenizer, template: PromptTemplate, length: int, padding: int):
        super().__init__()
        self.tokenizer, self.template, self.padding = tokenizer, template, padding
        self.length = min(length, template.length or length)

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids, (rows, longest row or 1) int32, and the number of ids of each row, (rows,) int32."""
        texts = tf.strings.join([self.template.prefix, texts, self.template.suffix])
        if self.template.special_tokens:
            rows = self.tokenizer(texts, length=self.length)
        else:
            column = self.tokenizer.ragged_ids(texts)[:2]
            rows = join([column], (self.template.start_ids, self.template.end_ids), tf.size(texts, tf.int64))
            rows = rows[:, -self.length :]
        ids = rows.to_tensor(self.padding)
        missing = tf.maximum(1 - tf.shape(ids)[1], 0)
        return tf.pad(ids, [[0, 0], [0, missing]], constant_values=self.padding), tf.cast(rows.row_lengths(), tf.int32)
