"""Encoding by the tokenizers library: its panics become errors of one line; chats are encoded with control tokens."""

import re
from collections.abc import Iterable
from functools import cached_property

import tokenizers

from zoo.runtime.errors import UserError
from zoo.text.tokenizer_files import is_library_error


def encode_with(backend: tokenizers.Tokenizer, texts: list[str]) -> list[tokenizers.Encoding]:
    """The encodings of texts, without special ids. Raises `UserError` where the tokenizer fails on one of them."""
    try:
        return backend.encode_batch(texts, add_special_tokens=False)
    except BaseException as error:
        if not is_library_error(error):
            raise
        reason = (str(error) or repr(error)).splitlines()[0]
        received = f"{_failing(backend, texts)!r:.80}"
        raise UserError(f"The tokenizer fails on a text ({reason:.200}). Received: {received}.") from None


def _failing(backend, texts):
    """The first text on which the tokenizer fails."""
    for text in texts:
        try:
            backend.encode(text, add_special_tokens=False)
        except BaseException as error:
            if not is_library_error(error):
                raise
            return text
    return texts[0]


class ControlTokens:
    """Encodes chats: control tokens that a template writes become ids, those that a user writes stay text.

    Args:
        backend: the tokenizer.
        tokens: its special tokens.
    """

    MARK = "\ue000"  # of Unicode's private use: splits a control token in a user's text

    def __init__(self, backend: tokenizers.Tokenizer, tokens: Iterable[str]):
        longest_first = sorted(filter(None, tokens), key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self.backend = backend

    @cached_property
    def _with_control_tokens(self):
        """A copy of the tokenizer that reads control tokens."""
        copy = tokenizers.Tokenizer.from_str(self.backend.to_str())
        copy.encode_special_tokens = False
        return copy

    def guard(self, text: str) -> str:
        """A user's text whose control tokens `ids` reads as text."""
        return self.pattern.sub(lambda match: match[0][0] + self.MARK + match[0][1:], text.replace(self.MARK, ""))

    def ids(self, text: str) -> list[int]:
        """The ids of a rendered chat; control tokens that `guard` marked are text."""
        backend = self._with_control_tokens if self.pattern.search(text) else self.backend
        parts = [part for part in text.split(self.MARK) if part]
        return [id for encoding in encode_with(backend, parts) for id in encoding.ids]

    def around(self, prefix: str, suffix: str) -> tuple[list[int], str, str, list[int]]:
        """`(ids, rest of the prefix, beginning of the suffix, ids)`, cut after the last control token of the prefix and
        before the first one of the suffix: what is between them is encoded together with the text between.
        """
        end = max((match.end() for match in self.pattern.finditer(prefix)), default=0)
        first = self.pattern.search(suffix)
        start = first.start() if first else len(suffix)
        return self.ids(prefix[:end]), prefix[end:], suffix[:start], self.ids(suffix[start:])
