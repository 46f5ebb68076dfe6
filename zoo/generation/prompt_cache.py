"""The memory of one text that grows, as a conversation does: what a network has read it does not read again."""

import numpy as np
from keras import ops

from zoo.backend.shapes import bucket
from zoo.generation.batch import ENDLESS


class PromptCache:
    """What a network remembers of one text. `reads` counts the tokens that it has run, those that it wrote included.

    Args:
        writer: the `zoo.generation.loop.TokenGenerator` of a network with one input.
        length: tokens of the longest text that there will be.
    """

    def __init__(self, writer, length):
        self.writer = writer
        self.length = int(bucket(length, ENDLESS))
        self.reads = 0
        self._forget()

    def begin(self, batch):
        """The state after the first new token of a `Batch` of one prompt, as long as this session.

        Where the prompt goes on from the text that was kept, only the rest of it is read.
        """
        ids = batch.prompts[0]
        if not 0 < len(self.ids) < len(ids) or ids[: len(self.ids)] != self.ids:
            self._forget()
            state = self._open(batch)
            if len(ids) == 1:
                return state
            self.ids, self.state = ids[:1], state
        known, cache, place = len(self.ids), self.state["cache"], self.state["place"]
        self._forget()  # the memory is written over; until `keep` there is none
        self.reads += len(ids) - known
        return self.writer.resume(cache, place, self._chunk(ids, known), batch.start(), batch.given)

    def keep(self, state):
        """Remember the text of a state that `begin` led to."""
        read, count, new = (int(ops.convert_to_numpy(state[name]).flat[0]) for name in ("place", "count", "new"))
        self.ids = ops.convert_to_numpy(state["text"])[0, :read].tolist()
        self.state = state
        self.reads += read - (count - new)  # new tokens: of most writers each but the last

    def _open(self, batch):
        """The state after the first token of a text alone: whatever its length, one shape is compiled."""
        self.reads += 1
        start, (first, *rest) = batch.start() | {"count": np.ones(1, "int32")}, batch.prompts[0]
        given = {"numbers": {}, "stop_ids": batch.given["stop_ids"]} if rest else batch.given  # what follows is known
        return self.writer.begin({self.writer.network.plan.written: np.array([[first]], "int32")}, start, given)

    def _chunk(self, ids, known):
        """(1, bucket) what is to be read, and how many tokens of it hold."""
        new = ids[known:]
        padded = np.zeros((1, min(int(bucket(len(new), ENDLESS)), self.length - known)), "int32")
        padded[0, : len(new)] = new
        return {"tokens": padded, "number": np.int32(len(new))}

    def _forget(self):
        self.ids, self.state = [], None
