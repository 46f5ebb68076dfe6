"""Streaming detokenization: the text of new tokens as they come, cut at stop strings, in pieces that never change."""

from collections.abc import Sequence

from zoo.text.tokenizer import Tokenizer

CONTEXT = 8  # tokens before the new ones with which they are decoded
REPLACEMENT = "\ufffd"  # a byte tokenizer decodes an incomplete character to it
PERIOD = 32  # new tokens between two attempts to decode fewer tokens


class TextStream:
    """The text of a growing list of new tokens: equal to that of `zoo.generation.text_generator.TextGenerator`.

    A token's text may depend on the tokens before it, so all tokens are decoded; where the text of the last tokens
    alone is the same, only those are.

    Args:
        tokenizer: the `zoo.text.tokenizer.Tokenizer`.
        prompt: the ids before the new ones; empty for a text that is decoded by itself.
        stop: stop strings.

    Attributes:
        stopped: whether the text has a stop string.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = (), stop: Sequence[str] = ()):
        self.tokenizer, self.stop, self.stopped = tokenizer, stop, False
        self.ids = list(prompt)
        self.start, self.context_start = 0, len(self.ids)  # of the tokens that are decoded, of the new ones among them
        self.context_text = tokenizer.decode(self.ids) if self.ids else ""
        self.text_before = self.text = ""
        self.attempt = PERIOD if len(self.ids) < PERIOD else CONTEXT + 1  # new tokens before the next one

    def push(self, ids: Sequence[int]) -> None:
        """Append new ids; `text` is then the whole new text, before a stop string."""
        self.ids += ids
        self.text = self.text_before + self._new_text(self.start, self.context_start, self.context_text)
        if len(self.ids) - self.context_start >= self.attempt:
            self._forget()

    def text_before_stop(self, final: bool) -> str:
        """The text before a stop string; unless it is `final`, without an incomplete character or stop string."""
        text, self.stopped = cut_at_stop(self.text, self.stop, final)
        return text

    def _new_text(self, start, context_start, context_text, end=None):
        text = self.tokenizer.decode(self.ids[start:end])
        if text.startswith(context_text):
            return text[len(context_text) :]
        return self.tokenizer.decode(self.ids[context_start:end])

    def _forget(self):
        """Decode only the last tokens from now on, where that gives the same text."""
        middle = len(self.ids) - CONTEXT
        before = self.text_before + self._new_text(self.start, self.context_start, self.context_text, middle)
        start = max(middle - CONTEXT, 0)
        context_text = self.tokenizer.decode(self.ids[start:middle])
        if self.text == before + self._new_text(start, middle, context_text) and not before.endswith("\ufffd"):
            self.start, self.context_start, self.context_text, self.text_before = start, middle, context_text, before
            self.attempt = PERIOD
        else:
            self.attempt = 2 * (len(self.ids) - self.context_start)


def cut_at_stop(text: str, stop: Sequence[str], final: bool) -> tuple[str, bool]:
    """`(text before the first stop string, whether there is one)`.

    Of several stop strings the one that ends first counts. Unless the text is `final`, an incomplete character or stop
    string at its end is withheld.
    """
    ends = [(start + len(string), start) for string in stop if (start := text.find(string)) >= 0]
    if ends:
        return text[: min(ends)[1]], True
    text = text.rstrip(REPLACEMENT)
    prefixes = (string[:size] for string in stop for size in range(1, len(string)))
    withheld = 0 if final else max((len(prefix) for prefix in prefixes if text.endswith(prefix)), default=0)
    return text[: len(text) - withheld], False
