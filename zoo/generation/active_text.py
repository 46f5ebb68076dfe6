"""A text that is being generated in a running batch: its tokens, context window, random numbers and pieces."""

from zoo.generation.batch import Completion
from zoo.generation.context import sliding_window
from zoo.generation.generation_handle import GenerationHandle, TextPiece
from zoo.generation.generation_request import GenerationRequest
from zoo.generation.noise import prompt_key
from zoo.generation.text_stream import TextStream
from zoo.generation.token_selection import RowControls, RowHistory, SelectedToken, constraint_tensors
from zoo.text.tokenizer import Tokenizer


class ActiveText:
    """A text that is being generated.

    Args:
        request: the `GenerationRequest`.
        tokenizer: the `zoo.text.tokenizer.Tokenizer`.
        context: most tokens that the network reads at once.

    Attributes:
        handle: the `GenerationHandle`.
        window: the ids that the network reads: the prompt and the new ids, or the last of them where the context slid.
        done: whether the text has ended.
    """

    def __init__(self, request: GenerationRequest, tokenizer: Tokenizer, context: int):
        self.request, self.context, self.handle = request, context, GenerationHandle()
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.constraint_state, self.done, self.emitted, self.pending = 0, False, "", 0
        self.top_logprobs: list[list[tuple[int, float]]] = []
        prompt = [] if request.config.constraint else request.prompt
        self.stream = TextStream(tokenizer, prompt, request.stop)
        self.sample_key = request.config.seed, prompt_key(request.prompt, request.source or ()), request.sample
        self.window = list(request.prompt)
        self.constraint = constraint_tensors(request.config)
        self.slide()

    def slide(self) -> None:
        """Start a context window: as `zoo.generation.batch.Batch.slide`."""
        config = self.request.config
        self.window = sliding_window(self.window, self.context)
        self.prompt_length = len(self.window)
        left, room = config.max_new_tokens - len(self.ids), max(self.context - len(self.window), 1)
        self.window_tokens = min(left, room)
        self.controls = RowControls(config, len(self.ids), self.request.top_logprobs, self.constraint)

    @property
    def window_is_full(self) -> bool:
        """Whether the context must slide before the next token."""
        return len(self.window) - self.prompt_length >= self.window_tokens

    def history(self) -> RowHistory:
        """The `RowHistory` for the next token."""
        new, noise = len(self.window) - self.prompt_length, (*self.sample_key, len(self.ids))
        return RowHistory(self.controls, self.window, new, self.constraint_state, noise)

    def append(self, token: SelectedToken) -> None:
        """Append the next token, and hand over the text that it completes."""
        config = self.request.config
        self.constraint_state = token.constraint_state
        if token.id in config.stop_ids:
            self.finish("stop")
            return
        self.window.append(token.id)
        self.ids.append(token.id)
        self.logprobs.append(token.logprob)
        self.top_logprobs.append(token.top[: self.request.top_logprobs])
        self.stream.push([token.id])
        text = self.stream.text_before_stop(final=False)
        if self.stream.stopped or len(self.ids) >= config.max_new_tokens:
            self.finish("length")
        elif len(text) > len(self.emitted):
            self._emit(text)

    def finish(self, reason: str) -> None:
        """End the text: "stop", "length" or "cancelled"; a stop string makes it "stop"."""
        text = self.stream.text_before_stop(final=True)
        self._emit(text)
        self.done = True
        reason = "stop" if self.stream.stopped else reason
        self.handle.end(Completion(self.ids, self.logprobs, reason, text))

    def fail(self, error: BaseException) -> None:
        """End the text with an error."""
        self.done = True
        self.handle.end(error=error)

    def _emit(self, text):
        new = slice(self.pending, len(self.ids))
        if len(text) > len(self.emitted) or self.pending < len(self.ids):
            piece = text[len(self.emitted) :]
            self.handle.put(TextPiece(piece, self.ids[new], self.logprobs[new], self.top_logprobs[new]))
        self.emitted, self.pending = max(text, self.emitted, key=len), len(self.ids)
