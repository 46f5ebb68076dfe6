"""Continuous batching: many requests generate text at once, and each joins and leaves the batch between two steps.

Iteration-level scheduling of Orca (Yu et al. 2022, https://www.usenix.org/conference/osdi22/presentation/yu). A thread
owns the network. Requests wait in a bounded queue, in their order; a prefill runs the prompts of a few of them, then
their texts join the running batch. A text's tokens are those that it has alone, whichever texts are beside it.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial

import keras

from zoo.generation.active_text import ActiveText
from zoo.generation.batch_limits import BatchClosedError, QueueFullError
from zoo.generation.context import check_prompts, max_context
from zoo.generation.generation_handle import GenerationHandle
from zoo.generation.generation_request import GenerationRequest
from zoo.generation.prompt_prefill import PREFILL_TOKENS, next_group, prefill, prompt_shape
from zoo.generation.running_batch import RunningBatch, decoding_step
from zoo.generation.token_selection import TokenSelector
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

CLOSED = "The server is shutting down."


class ContinuousBatch:
    """Continuous batching of text generation with one model.

    Args:
        model: a functional `keras.Model` of logits.
        tokenizer: the `zoo.text.tokenizer.Tokenizer` of the requests.
        max_rows: most texts at once.
        max_queue: most requests that wait.

    Attributes:
        context: most tokens of a text that the network reads at once.
        tokens_generated: number of new tokens of all texts so far.
        on_step: called, in the thread of the batch, with the number of texts that a step has given a token each.
    """

    def __init__(self, model: keras.Model, tokenizer: Tokenizer, max_rows: int = 32, max_queue: int = 256):
        for name, number in (("max_rows", max_rows), ("max_queue", max_queue)):
            if number < 1:
                raise UserError(f"{name} must be at least 1. Received: {name}={number}.")
        self.step, self.selector, self.tokenizer = decoding_step(model), TokenSelector(), tokenizer
        self.context = max_context(self.step.network.plan.decoder_steps)
        self.max_rows, self.max_queue, self.tokens_generated = max_rows, max_queue, 0
        self.on_step: Callable[[int], None] = lambda rows: None
        self.batch = RunningBatch(self.step)
        self._waiting: deque[ActiveText] = deque()
        self._sliding: deque[ActiveText] = deque()
        self._joining: list[ActiveText] = []
        self._changed = threading.Condition()
        self._closing = self._aborting = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Number of requests in the queue."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Number of texts in the batch."""
        return len(self.batch.active)

    def submit(self, *requests: GenerationRequest) -> list[GenerationHandle]:
        """Queue requests, all or none, and return their handles.

        Raises QueueFullError where the queue has no room for them, BatchClosedError after `close`, and UserError for a
        prompt that the model cannot continue.
        """
        for request in requests:
            sources = None if request.source is None else [request.source]
            check_prompts(self.step.network.plan, [request.prompt], sources, request.config)
        texts = [ActiveText(request, self.tokenizer, self.context) for request in requests]
        with self._changed:
            if self._closing:
                raise BatchClosedError(CLOSED)
            if len(self._waiting) + len(texts) > self.max_queue:
                raise QueueFullError(f"{len(self._waiting)} requests wait, of at most {self.max_queue}.")
            self._waiting += texts
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="continuous-batch", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return [text.handle for text in texts]

    def close(self, timeout: float | None = None) -> None:
        """Take no further requests, finish those that there are, and end the thread.

        After `timeout` seconds the texts that have not ended fail with BatchClosedError.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
            self._aborting = True
            self._thread.join()

    def _run(self):
        while self._has_work():
            try:
                self._iterate()
            except Exception as error:  # the texts in the batch fail, the thread goes on with the next ones
                self._fail(error)

    def _has_work(self):
        """Wait for a request; False once the batch is closed and empty."""

        def has_work():
            return bool(self._waiting or self._sliding or self.batch.active)

        with self._changed:
            self._changed.wait_for(lambda: self._closing or has_work())
            return has_work()

    def _iterate(self):
        """Free the rows of cancelled texts, let waiting texts join, and decode one token of each text."""
        if self._aborting:
            self._fail(BatchClosedError(CLOSED), [*self._waiting])
            self._waiting.clear()
        self._remove_cancelled()
        budget, room = PREFILL_TOKENS, self.max_rows - len(self.batch.active)
        shape = partial(prompt_shape, self.step.network.plan, self.context)
        while room and budget > 0 and (group := next_group(self._sliding or self._waiting, room, budget, shape)):
            self._joining = group
            self._prefill(group, shape)
            room, budget, self._joining = room - len(group), budget - len(group) * shape(group[0])[0], []
        if self.batch.active:
            logits = self.batch.decode()
            self._append_tokens(logits, self.batch.active, self.batch.active)

    def _prefill(self, group, shape):
        """Run the prompts of some texts through the network; the texts join the batch with their first tokens."""
        logits, cache = prefill(self.step, group, shape(group[0]))
        rows = self.batch.join(cache, group, [len(text.window) for text in group])
        self._append_tokens(logits, range(len(group)), rows)

    def _append_tokens(self, logits, logits_rows, rows):
        """Select the next token of each text, and free the rows of those that end."""
        texts = [self.batch.texts[row] for row in rows]
        tokens = self.selector(logits, logits_rows, [text.history() for text in texts])
        self.tokens_generated += len(tokens)
        self.on_step(len(tokens))
        for row, text, token in zip(rows, texts, tokens, strict=True):
            text.append(token)
            self.batch.tokens[row] = token.id
            if not text.done and text.window_is_full:
                text.slide()
                self._sliding.append(text)
                self.batch.leave(row)
            elif text.done:
                self.batch.leave(row)

    def _remove_cancelled(self):
        for row in self.batch.active:
            if self.batch.texts[row].handle.cancelled:
                self.batch.texts[row].finish("cancelled")
                self.batch.leave(row)
        for queue in (self._waiting, self._sliding):
            with self._changed:  # another thread may submit a request meanwhile
                cancelled = [text for text in queue if text.handle.cancelled]
                for text in cancelled:
                    queue.remove(text)
            for text in cancelled:
                text.finish("cancelled")

    def _fail(self, error, waiting=()):
        """End the texts of the batch, and those that wait, with an error."""
        texts = [text for text in self.batch.texts if text is not None]
        for text in dict.fromkeys((*texts, *self._joining, *self._sliding, *waiting)):
            if not text.done:
                text.fail(error)
        self._joining = []
        self._sliding.clear()
        self.batch.clear()
