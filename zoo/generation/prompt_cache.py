"""A prompt cache: the KV cache of one growing text, such as a conversation, so that no token is processed twice."""

from typing import Any

import numpy as np
from keras import ops

from zoo.backend.shapes import bucket
from zoo.generation.batch import Batch
from zoo.generation.context import UNLIMITED
from zoo.generation.loop import TokenGenerator


class PromptCache:
    """A prompt cache: the decoding caches of a network for one growing text.

    Args:
        generator: the `zoo.generation.loop.TokenGenerator` of a network with one input.
        length: longest text, in tokens.

    Attributes:
        ids: the token ids that the caches hold.
        tokens_processed: number of tokens that went through the network, new tokens included.
    """

    def __init__(self, generator: TokenGenerator, length: int):
        self.generator = generator
        self.length = int(bucket(length, UNLIMITED))
        self.tokens_processed = 0
        self._clear()

    def prefill(self, batch: Batch) -> dict[str, Any]:
        """The state after the first new token of a `Batch` of one prompt, which is as long as this cache.

        Where the prompt begins with the stored text, only the tokens after that text are processed.
        """
        ids = batch.prompts[0]
        if not 0 < len(self.ids) < len(ids) or ids[: len(self.ids)] != self.ids:
            self._clear()
            state = self._prefill_first(batch)
            if len(ids) == 1:
                return state
            self.ids, self.state = ids[:1], state
        prefix, cache, slot = len(self.ids), self.state["cache"], self.state["slot"]
        self._clear()  # the arrays are updated in place: none is valid until `store`
        self.tokens_processed += len(ids) - prefix
        chunk = self._chunk(ids, prefix)
        return self.generator.prefill_more(cache, slot, chunk, batch.initial_state(), batch.controls)

    def store(self, state: dict[str, Any]) -> None:
        """Store the caches of a state: that of `prefill`, or a later one that `TokenGenerator.decode` returned."""
        slot, count, new = (int(ops.convert_to_numpy(state[name]).flat[0]) for name in ("slot", "count", "new"))
        self.ids = ops.convert_to_numpy(state["tokens"])[0, :slot].tolist()
        self.state = state
        self.tokens_processed += slot - (count - new)  # new tokens; most generators do not process the last one

    def _prefill_first(self, batch):
        """The state after prefill with only the first token: one shape is compiled for texts of any length."""
        self.tokens_processed += 1
        start, (first, *further) = batch.initial_state() | {"count": np.ones(1, "int32")}, batch.prompts[0]
        greedy = {"processors": {}, "stop_ids": batch.controls["stop_ids"]}
        controls = greedy if further else batch.controls  # the token chosen is not used where the prompt goes on
        inputs = {self.generator.network.plan.decoder_input: np.array([[first]], "int32")}
        return self.generator.prefill(inputs, start, controls)

    def _chunk(self, ids, prefix):
        """The ids after the first `prefix` ids, padded to (1, bucket), and their number."""
        new = ids[prefix:]
        padded = np.zeros((1, min(int(bucket(len(new), UNLIMITED)), self.length - prefix)), "int32")
        padded[0, : len(new)] = new
        return {"tokens": padded, "count": np.int32(len(new))}

    def _clear(self):
        self.ids: list[int] = []
        self.state: dict[str, Any] = {}
