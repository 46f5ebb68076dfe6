"""Writing inside an exported graph: the likeliest token again and again, no choice left to the server."""

import numpy as np
from keras import ops

from zoo.generation.batch import longest
from zoo.generation.loop import TokenGenerator


class GraphGenerator:
    """What an exported model writes.

    Args:
        pipeline: the trained `zoo.pipeline.Pipeline`.
        prompt: the `zoo.objectives._objective.PromptTemplate` of its objective.

    Attributes:
        room: the most ids of a text that the network reads.
        new_tokens: the most that it writes: of a network that reads so many tokens at most, no more than leave half of
            them to the prompt.
    """

    def __init__(self, pipeline, prompt):
        self.writer, self.target = TokenGenerator.of(pipeline.model), prompt.decoder_ids
        plan, end = self.writer.network.plan, pipeline.tokenizer.end
        self.stop_ids = np.array([-1 if end is None else end], "int32")
        limit = longest(plan.each)
        most = limit - len(prompt.decoder_ids) if prompt.target else limit // 2
        self.max_new_tokens = min(pipeline.objective.max_new_tokens, most)
        self.room = longest(plan.once) if prompt.decoder_ids else limit - self.max_new_tokens

    def __call__(self, ids, lengths):
        """New ids of each row, (rows, new_tokens), how many they are and whether a stop ended them.

        `ids` is (rows, time), of which `lengths`, (rows,), hold. Of an empty row nothing is written.
        """
        prompts, counts = self.begin(ids, lengths)
        inputs = {"source": ids} if self.target else {}
        inputs |= {self.writer.network.plan.written: prompts}
        start = {"text": ops.pad(prompts, ((0, 0), (0, self.max_new_tokens))), "count": ops.maximum(counts, 1)}
        given = {"numbers": {}, "stop_ids": self.stop_ids}
        state = self.writer.begin(inputs, start | {"done": counts < 1, "node": ops.zeros_like(counts)}, given)
        state = self.writer.advance(state, given, self.max_new_tokens)
        new = state["count"] - start["count"]
        places = start["count"][:, None] + ops.arange(self.max_new_tokens, dtype="int32")
        found = ops.take_along_axis(state["text"], ops.minimum(places, ops.shape(state["text"])[1] - 1), axis=1)
        last = ops.take_along_axis(state["text"], state["count"][:, None] - 1, axis=1)[:, 0]
        stopped = ops.logical_and(new > 0, ops.equal(last, self.stop_ids[0]))
        return found, new - ops.cast(stopped, "int32"), stopped

    def begin(self, ids, lengths):
        """What is gone on from: the rows, or of an encoder-decoder the beginning of a target for each."""
        if not self.target:
            return ids, lengths
        target = ops.broadcast_to(np.array([self.target], "int32"), (ops.shape(ids)[0], len(self.target)))
        return target, ops.full((ops.shape(ids)[0],), len(self.target), "int32")
