"""Log-probabilities of tokens in the two forms of OpenAI's API."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.text.tokenizer import Tokenizer


class TokenStrings:
    """The strings of generated tokens: of one that ends within a character, its bytes.

    Args:
        tokenizer: the `zoo.text.tokenizer.Tokenizer`.
        is_first: whether the first token begins the text, as an answer, and continues no prompt.
    """

    def __init__(self, tokenizer: Tokenizer, is_first: bool = False):
        self._first, self._later = tokenizer.token_bytes
        self._tokenizer, self.is_first = tokenizer, is_first
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._characters = 0

    def bytes_of(self, id: int) -> bytes:
        """The bytes that a token adds to the text; of a special token its name."""
        table = self._first if self.is_first else self._later
        return (table[id] if id < len(table) else b"") or (self._tokenizer.token(id) or "").encode()

    def chat(self, ids: Sequence[int], logprobs: Sequence[float], tops: Sequence[Sequence[tuple]]) -> dict[str, Any]:
        """`logprobs` of a chat completion's choice: {"content": [{"token", "logprob", "bytes", "top_logprobs"}]}."""
        content = []
        for id, logprob, top in zip(ids, logprobs, tops, strict=True):
            alternatives = [self._entry(*pair) for pair in top]
            content.append(self._entry(id, logprob) | {"top_logprobs": alternatives})
            self.is_first = False
        return {"content": content, "refusal": None}

    def completion(
        self, ids: Sequence[int], logprobs: Sequence[float], tops: Sequence[Sequence[tuple]], text_length: int
    ) -> dict[str, Any]:
        """`logprobs` of a completion's choice: lists of tokens, log-probabilities, likeliest tokens and offsets.

        `text_length` is the number of characters before the text: of an echoed prompt.
        """
        tokens, top_logprobs, offsets = [], [], []
        for id, chosen, top in zip(ids, logprobs, tops, strict=True):
            tokens.append(_string(self.bytes_of(id)))
            likeliest: dict[str, float] = {}
            for other, logprob in (*top, (id, chosen)):  # the generated token is always among them
                likeliest.setdefault(_string(self.bytes_of(other)), logprob)
            top_logprobs.append(likeliest)
            offsets.append(text_length + self._offset(self.bytes_of(id)))
            self.is_first = False
        columns = {"tokens": tokens, "token_logprobs": list(logprobs), "top_logprobs": top_logprobs}
        return columns | {"text_offset": offsets}

    def _offset(self, value):
        """The number of characters before the next token; an incomplete one counts once other characters follow."""
        before = self._characters
        self._characters += len(self._decoder.decode(value))
        return before if _string(value).startswith("bytes:") else self._characters - len(value.decode())

    def _entry(self, id, logprob):
        value = self.bytes_of(id)
        return {"token": value.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(value)}


def _string(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in value)
