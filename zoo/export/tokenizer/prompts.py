"""What a network goes on from, made of texts inside a graph."""

import tensorflow as tf

from zoo.export.tokenizer.graph_tokenizer import join


class PromptBuilder(tf.Module):
    """Makes prompts of texts.

    Args:
        twin: the tokenizer's `GraphTokenizer`.
        prompt: the `zoo.objectives._objective.PromptTemplate`.
        room: the most ids that the network reads.
        padding: the id that fills up shorter rows.
    """

    def __init__(self, twin, prompt, room, padding):
        super().__init__()
        self.twin, self.prompt, self.padding = twin, prompt, padding
        self.room = min(room, prompt.length or room)

    def __call__(self, texts):
        """Return ids, (rows, longest row or 1) int32, and how many each row has, (rows,) int32."""
        texts = tf.strings.join([self.prompt.prefix, texts, self.prompt.suffix])
        if self.prompt.special_tokens:
            rows = self.twin(texts, length=self.room)
        else:
            pieces = self.twin.pieces(texts)
            rows = join([(pieces.ids, pieces.lengths)], (self.prompt.start_ids, ()), tf.size(texts, tf.int64))
            rows = rows[:, -self.room :]
        ids = rows.to_tensor(self.padding)
        wanting = tf.maximum(1 - tf.shape(ids)[1], 0)
        return tf.pad(ids, [[0, 0], [0, wanting]], constant_values=self.padding), tf.cast(rows.row_lengths(), tf.int32)
